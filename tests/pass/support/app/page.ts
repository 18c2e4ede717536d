/** The app in a browser: the page calls it. */
import { run } from "./flows.ts";

Object.assign(globalThis, { run });
