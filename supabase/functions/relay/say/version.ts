/** Of this source and of all that is built from it: the function, the server, the npm package. */
export const VERSION = "0.1.0";
