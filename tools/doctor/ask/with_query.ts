/** The URL as realtime-js asks it, with the key and the version of its frames. */
export function withQuery(url: URL, key: string | undefined): URL {
  const result = new URL(url);
  if (key) result.searchParams.set("apikey", key);
  result.searchParams.set("vsn", "1.0.0");
  return result;
}
