/**
 * What a generator found is no matter of luck. The gate (tools/gate) tells it by its first words,
 * plays its seed again, and fails the run whatever comes of that; any other failure gets a second
 * look.
 */

const given = Deno.env.get("RELAY_TEST_SEED");

/** The seed that this process was given, RELAY_TEST_SEED, to play again what was found with it. */
export const givenSeed: number | undefined = given ? Number(given) : undefined;

/** The message of a finding: the gate looks for its beginning. */
export const finding = (seed: number, what: string): string => `FINDING seed=${seed} ${what}`;

/**
 * Runs the checks of what a generator played, and throws what they throw as a finding. `what` says
 * where in the play they are, such as its move. What can fail by the machine alone does not belong
 * in `checks`: the start of a server, a wait.
 */
export async function orFinding<T>(
  seed: number,
  what: string,
  checks: () => T | Promise<T>,
): Promise<T> {
  try {
    return await checks();
  } catch (cause) {
    throw new Error(finding(seed, what), { cause });
  }
}
