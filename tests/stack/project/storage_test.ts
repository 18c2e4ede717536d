import assert from "node:assert/strict";
import { StorageFiles } from "../../../tools/stack/api/storage_files.ts";
import { translated } from "../../../tools/stack/api/storage_words.ts";
import { withDirectory } from "../../support/directory.ts";

const post = (path: string, body: BodyInit) =>
  new Request(`http://localhost/storage/v1${path}`, { method: "POST", body });

/** As storage-js sends a file. */
function form(text: string): FormData {
  const form = new FormData();
  form.append("cacheControl", "3600");
  form.append("", new Blob([text], { type: "text/plain" }));
  return form;
}

Deno.test("a file in a field without a name is found in the field `file`, byte for byte", async () => {
  const text = '\u00e4 \0 \r\n--; name=""; filename=';
  const answer = await translated(post("/object/b/k", form(text)), async (request) => {
    const form = await request.formData();
    assert.equal(form.get("cacheControl"), "3600");
    return new Response(form.get("file") as File);
  });
  assert.equal(await answer.text(), text);
});

Deno.test("addresses of signed files have the name and the form that storage-js looks for", async () => {
  const ask = async (told: unknown) =>
    await (await translated(
      post("/object/sign/b", "{}"),
      () => Promise.resolve(Response.json(told)),
    )).json();
  assert.deepEqual(await ask({ signedUrl: "/storage/v1/object/sign/b/k?token=t" }), {
    signedURL: "/object/sign/b/k?token=t",
  });
  assert.deepEqual(await ask([{ path: "k", signedUrl: "", error: "not found" }]), [
    { path: "k", signedURL: null, error: "not found" },
  ]);
});

Deno.test("a form that grows too large is refused, and is not asked about", async () => {
  const asked = () => Promise.reject(new Error("asked"));
  const answer = await translated(post("/object/b/k", form("x".repeat(2000))), asked, 1000);
  assert.equal(answer.status, 413);
  assert.match((await answer.json()).message, /up to 1000 bytes/);
});

Deno.test("files are kept by bucket and key, and no key leads out of their directory", () =>
  withDirectory(async (directory) => {
    const files = new StorageFiles(`${directory}/files`);
    const bytes = new TextEncoder().encode("hello");
    const read = async (bucket: string, key: string) => {
      const { body, metadata } = await files.getObject(bucket, key);
      return [await new Response(body).text(), metadata.mimetype, metadata.size];
    };
    for (const key of ["a/b", "../../out", "/etc/passwd", "a", "x".repeat(1000), "nul\0"]) {
      await files.uploadObject("b", key, undefined, bytes, "text/plain", "max-age=1");
      assert.deepEqual(await read("b", key), ["hello", "text/plain", 5]);
    }
    assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name), ["files"]);
    await files.copyObject("b", "a", undefined, "c", "a", undefined);
    await files.deleteObjects("b", ["a", "never there"]);
    await assert.rejects(read("b", "a"), Deno.errors.NotFound);
    assert.equal((await read("c", "a"))[0], "hello");
  }));
