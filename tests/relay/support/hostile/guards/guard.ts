/** A limit, a comparison or a wait of the relay, and how to take it out. */
export interface Guard {
  /** Below supabase/functions/relay. */
  file: string;
  /** Stands once in the file. */
  find: string;
  replace: string;
  /** What then does not hold any more. */
  sentence: string;
  /** The tests that could notice, below tests/ and without their ending. */
  tests: string[];
  /** The generator is to find it: it was written to. Default: false. */
  isSought?: boolean;
}

export const RELAY = "supabase/functions/relay";

/** Where a test of a guard lies. */
export const testFile = (name: string): string => `tests/${name}_test.ts`;

/** How often `find` stands in the file's text. */
export const countIn = (text: string, { find }: Guard): number => text.split(find).length - 1;
