/** Builds what is run or published, in dist/. Run by `deno task build`; one part alone by its name. */

const PARTS: Record<string, () => Promise<unknown>> = {
  node: async () => await (await import("./node.ts")).buildNode(),
  doctor: async () => await (await import("./doctor.ts")).buildDoctor(),
  package: async () => {
    const { buildPackage, PACKAGE } = await import("./package.ts");
    await buildPackage();
    console.log(`${PACKAGE}: npm pack ./${PACKAGE} makes its tarball`);
  },
  site: async () => {
    const { buildSite, configIn, OUT } = await import("../site/build.ts");
    const config = await configIn(OUT);
    // Its policy names the project: there is no page for none.
    if (Object.keys(config).length > 0) await buildSite(OUT, config);
    else console.log("dist/site: left out, name its project: deno task site --url URL --key KEY");
  },
};

const asked = Deno.args.length > 0 ? Deno.args : Object.keys(PARTS);
const odd = asked.filter((name) => !Object.hasOwn(PARTS, name));
if (odd.length > 0) {
  console.error(`${odd.join(", ")}: the parts are ${Object.keys(PARTS).join(", ")}.`);
  Deno.exit(2);
}
// One after the other: who is ready ends esbuild for all.
for (const name of asked) await PARTS[name]();
