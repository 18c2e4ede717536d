/** The live links page: reads its configuration, and puts its parts together. */
import { createClient } from "@supabase/supabase-js";
import { messageCatchUp, type RelayStatus, relayTransport, tableCatchUp } from "../client/mod.ts";
import { loadConfig } from "./config.ts";
import { Page } from "./page.ts";
import { isLanguage, type Language, preferred, Text } from "./text.ts";
import { find, translate } from "./view/dom.ts";

/** Where the chosen language is kept. */
const LANGUAGE = "links.language";

async function main(): Promise<void> {
  const chosen = localStorage.getItem(LANGUAGE);
  let language: Language = isLanguage(chosen) ? chosen : preferred(navigator.languages);
  document.documentElement.lang = language;
  translate(document, new Text(language));

  const config = await loadConfig();
  let tell = (_: RelayStatus) => {};
  const transport = relayTransport({
    relay: config.relay,
    token: async () => (await supabase.auth.getSession()).data.session?.access_token ?? null,
    onstatus: (status) => tell(status),
  });
  const supabase = createClient(config.url, config.key, { realtime: { transport } });
  transport.catchUp(
    config.mode === "broadcast"
      ? messageCatchUp(supabase, { databaseOnly: true })
      : tableCatchUp(supabase, "url_clicks", { key: "id", time: "clicked_at" }),
  );
  console.info(`[links] initialised: ${config.relay} (${config.mode})`);

  const page = new Page(supabase, config, transport, language);
  tell = (status) => page.connection(status);
  page.speak(language);
  find("language").onclick = () => {
    language = language === "en" ? "zh-Hant" : "en";
    localStorage.setItem(LANGUAGE, language);
    page.speak(language);
  };
  supabase.auth.onAuthStateChange((_event, session) => {
    const person = session ? { id: session.user.id, email: session.user.email } : null;
    // Auth waits for its listeners, and the page asks Auth for tokens: not before it is done.
    setTimeout(() => page.meet(person), 0);
  });
}

main().catch((error: Error) => {
  console.error(`[links] ${error.message}`);
  find("loading").hidden = find("light").hidden = true;
  find("failed").hidden = false;
  find("failed-text").textContent = error.message;
  find("again").onclick = () => location.reload();
});
