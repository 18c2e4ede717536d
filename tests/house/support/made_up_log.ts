/** What `deno test --parallel` prints of everything that can become of a test. */
export const LOG = `Task test DENO_JOBS=3 deno test -A --parallel tests/
Check tests/a/bad_test.ts
\x1b[38;5;245m./tests/a/bad_test.ts => \x1b[0mbad => one ... \x1b[31mFAILED\x1b[0m \x1b[38;5;245m(26ms)\x1b[0m
./tests/a/bad_test.ts => bad step ... inner ... FAILED (1ms)
./tests/a/bad_test.ts => bad step ... FAILED (due to 1 failed step) (2s)
./tests/a/bad_test.ts => good ... ok (416µs)
./tests/a/ok_test.ts => fine ...
------- output -------
hello
ok | 3 passed | 0 failed (1s)
----- output end -----
./tests/a/ok_test.ts => fine ... ok (265ms)
./tests/a/ok_test.ts => steps ... one ... ok (40ms)
./tests/a/ok_test.ts => steps ... ok (1m3s)
./tests/a/ok_test.ts => skipped ... ignored (0ms)
Uncaught error from ./tests/b/async_test.ts FAILED
./tests/b/async_test.ts => before ... cancelled (0ms)
./tests/b/helped_test.ts => helped by another file ... FAILED (1ms)
Uncaught error from ./tests/b/throws_test.ts FAILED

 ERRORS 

bad => one => ./tests/a/bad_test.ts:2:6
error: AssertionError: Expected values to be strictly equal:

1 !== 2

    at file:///project/tests/a/bad_test.ts:2:86

bad step ... inner => ./tests/a/bad_test.ts:3:46
error: Error: nothing but this
    throw new Error("FINDING seed=8 is not one: a line of the source");
    at file:///project/tests/a/bad_test.ts:3:72

./tests/b/async_test.ts (uncaught error)
error: Error: later
    at Timeout._onTimeout (file:///project/tests/b/async_test.ts:1:65)
This error was not caught from a test and caused the test runner to fail on the referenced module.

helped by another file => ./tests/support/helper.ts:1:88
error: Error: FINDING seed=9 frame 12 came twice
    at file:///project/tests/b/helped_test.ts:2:92
Caused by: AssertionError: a === b

./tests/b/throws_test.ts (uncaught error)
error: (in promise) Error: at load

 FAILURES 

bad => one => ./tests/a/bad_test.ts:2:6
bad step ... inner => ./tests/a/bad_test.ts:3:46
./tests/b/async_test.ts (uncaught error)
helped by another file => ./tests/support/helper.ts:1:88
./tests/b/throws_test.ts (uncaught error)

FAILED | 3 passed (1 step) | 6 failed (1 step) | 1 ignored (1m5s)

error: Test failed
`;

/** The same of one file that passes, or of which one test fails as told. */
export const passing = (file: string, count = 2): string =>
  Array.from({ length: count }, (_, n) => `./${file} => test ${n} ... ok (10ms)\n`).join("") +
  `\nok | ${count} passed | 0 failed | 1 ignored (1s)\n`;

export const failing = (file: string, error = "Error: no"): string =>
  `./${file} => fine ... ok (1ms)
./${file} => odd ... FAILED (1ms)

 ERRORS 

odd => ./tests/support/helper.ts:1:1
error: ${error}

 FAILURES 

odd => ./tests/support/helper.ts:1:1

FAILED | 1 passed | 1 failed (1s)
`;
