import assert from "node:assert/strict";
import { join } from "node:path";
import { jwtVerify } from "jose";
import { type Keys, loadKeys, readKeys, signToken } from "../../tools/stack/keys.ts";
import { withDirectory } from "../support/directory.ts";

const verify = (token: string, { jwtSecret }: Keys) =>
  jwtVerify(token, new TextEncoder().encode(jwtSecret), { algorithms: ["HS256"] });

Deno.test("loadKeys() makes keys once for each data directory, and others for another", () =>
  withDirectory(async (directory) => {
    const [one, other] = [join(directory, "one"), join(directory, "other")];
    assert.equal(await readKeys(one), undefined);
    const keys = await loadKeys(one);
    assert.deepEqual(await loadKeys(one), keys);
    assert.deepEqual(await readKeys(one), keys);
    const values = new Set(Object.values(keys));
    for (const value of Object.values(await loadKeys(other))) assert.ok(!values.has(value));
  }));

Deno.test("loadKeys() keeps them where their owner alone reads", () =>
  withDirectory(async (directory) => {
    await loadKeys(directory);
    const { mode } = await Deno.stat(join(directory, "keys.json"));
    assert.equal(mode! & 0o777, 0o600);
  }));

Deno.test("the legacy keys are JWTs of their role that last ten years", () =>
  withDirectory(async (directory) => {
    const keys = await loadKeys(directory);
    for (const [key, role] of [[keys.anonKey, "anon"], [keys.serviceRoleKey, "service_role"]]) {
      const { payload } = await verify(key, keys);
      assert.equal(payload.role, role);
      assert.equal(payload.iss, "supabase-demo");
      assert.equal(payload.exp! - payload.iat!, 10 * 365 * 24 * 3600);
    }
    assert.match(keys.publishableKey, /^sb_publishable_[\w-]{32}$/);
    assert.match(keys.secretKey, /^sb_secret_[\w-]{32}$/);
    assert.ok(keys.jwtSecret.length >= 32);
    assert.match(keys.userPassword, /^[a-km-np-z2-9]{4}(-[a-km-np-z2-9]{4}){2}$/);
  }));

Deno.test("a damaged key file is one sentence that quotes nothing of it", () =>
  withDirectory(async (directory) => {
    const { secretKey } = await loadKeys(directory);
    const path = join(directory, "keys.json");
    for (const text of ["", "{", "[]", (await Deno.readTextFile(path)).replace("jwtSecret", "x")]) {
      await Deno.writeTextFile(path, text);
      await assert.rejects(loadKeys(directory), (error: Error) => {
        assert.match(error.message, /keys\.json does not hold the stack's keys: delete it/);
        assert.ok(!error.message.includes(secretKey));
        return true;
      });
    }
  }));

Deno.test("a data directory that cannot be made is one sentence", () =>
  withDirectory(async (directory) => {
    const file = join(directory, "file");
    await Deno.writeTextFile(file, "");
    await assert.rejects(loadKeys(join(file, "data")), /name another --data directory\.$/);
  }));

Deno.test("signToken() signs the claims, from now until then", () =>
  withDirectory(async (directory) => {
    const keys = await loadKeys(directory);
    const { payload } = await verify(await signToken(keys.jwtSecret, { role: "r" }, 60), keys);
    assert.equal(payload.role, "r");
    assert.equal(payload.exp! - payload.iat!, 60);
    const expired = await signToken(keys.jwtSecret, { role: "r" }, -1);
    await assert.rejects(verify(expired, keys), { code: "ERR_JWT_EXPIRED" });
  }));
