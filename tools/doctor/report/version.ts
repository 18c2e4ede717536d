/** Of what `--json` prints. A form that says more keeps its number; less, or otherwise, has the next. */
export const VERSION = 1;
