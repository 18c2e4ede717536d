/** Loads the package with the first token that needs it: a worker without such tokens starts sooner. */
export const loadJose = (): Promise<typeof import("jose")> => import("jose");
