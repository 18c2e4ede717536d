import type { IncomingMessage, ServerResponse } from "node:http";
import type { Config } from "../../../supabase/functions/relay/config/config.ts";
import { type Handler, urlOf } from "../../../supabase/functions/relay/relay.ts";
import { refusalOf } from "../../pass/judge.ts";
import { noUpgrade, type Passage, passageOf } from "../../pass/passage.ts";
import { answer } from "../http/answer.ts";
import { headersOf, requestOf } from "../http/request.ts";
import type { NodeRuntime } from "../runtime.ts";
import { Forwarder } from "./forward.ts";

/** Tells the relay's own requests from those that go on to the project. */
export class Gate {
  readonly #forwarder: Forwarder;

  /** `passes`: connections to the project at a time. */
  constructor(
    readonly config: Config,
    passes: number,
    readonly relay: Handler,
    runtime: NodeRuntime,
  ) {
    this.#forwarder = new Forwarder(config, passes, runtime.log);
  }

  async serve(message: IncomingMessage, to: ServerResponse): Promise<void> {
    try {
      const passage = this.#passageOf(message.url ?? "");
      if (passage.to === "project") {
        return await this.#forwarder.forward(message, to, passage.hasPages);
      }
      message.url = passage.target;
      await answer(await this.relay(requestOf(message)), to);
    } catch (thrown) {
      if (to.headersSent) return void to.destroy();
      await answer(refusalOf(thrown, headersOf(message), this.config), to);
    }
  }

  /** Takes upgrades: those of the relay's own paths. */
  readonly upgrades: Handler = async (request) => {
    try {
      const { pathname, search } = urlOf(request);
      const passage = this.#passageOf(pathname + search);
      if (passage.to === "relay") {
        // The same request: the upgrade is known by it.
        return await this.relay(
          Object.assign(request, { url: new URL(passage.target, request.url).href }),
        );
      }
      throw noUpgrade();
    } catch (thrown) {
      return refusalOf(thrown, request.headers, this.config);
    }
  };

  #passageOf(target: string): Passage {
    return passageOf(target, this.config.pass);
  }
}
