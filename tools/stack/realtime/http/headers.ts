/** A request's headers as policies find them in request.headers: a JSON object, by small names. */
export function headersOf({ headers }: Request, isSeen: (name: string) => boolean): string {
  return JSON.stringify(Object.fromEntries([...headers].filter(([name]) => isSeen(name))));
}
