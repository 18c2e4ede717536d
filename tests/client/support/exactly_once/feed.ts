/** A row of url_clicks, as the table has it and as its events bring it. */
export interface Click {
  id: number;
  slug: string;
  clicked_at: string;
}

/** A time, in ms since the epoch, of which the application was told that events may be missing. */
export interface Gap {
  from: number;
  to: number;
}

/** What came of the events of one feed. */
export interface Figures {
  expected: number;
  /** Different ones that arrived. */
  arrived: number;
  twice: number;
  /** Arrived after a later one of the same link. */
  late: number;
  /** Of these, those that lie in no reported gap. */
  untoldLate: number;
  gaps: number;
  /** Never arrived, and lie in no reported gap. */
  unreported: number;
  /** What the application was told of its channel other than SUBSCRIBED. */
  troubles: number;
}

/** What one channel gave to the application, in the order in which it came. */
export class Feed {
  readonly clicks: Click[] = [];
  /** When each of them came, in ms of performance.now(). */
  readonly times: number[] = [];
  readonly gaps: Gap[] = [];
  readonly statuses: string[] = [];
  readonly #newest = new Map<string, number>();
  #waiting: (() => void)[] = [];

  /** `slugs`: the links whose clicks belong here. */
  constructor(readonly slugs: string[]) {}

  take(click: Click): void {
    this.clicks.push(click);
    this.times.push(performance.now());
    this.#newest.set(click.slug, Math.max(click.id, this.#newest.get(click.slug) ?? 0));
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Resolves when of each link a click came with an id above this. */
  async beyond(id: number): Promise<void> {
    while (!this.slugs.every((slug) => (this.#newest.get(slug) ?? 0) > id)) {
      await new Promise<void>((wake) => this.#waiting.push(wake));
    }
  }

  /** Compares what came with the rows of the table, ordered by id. */
  judge(table: Click[]): Figures {
    const expected = table.filter(({ slug }) => this.slugs.includes(slug));
    const seen = new Set<number>();
    const newest = new Map<string, number>();
    const late: Click[] = [];
    let twice = 0;
    for (const click of this.clicks) {
      const { id, slug } = click;
      if (seen.has(id)) twice++;
      else if (id < (newest.get(slug) ?? 0)) late.push(click);
      seen.add(id);
      newest.set(slug, Math.max(id, newest.get(slug) ?? 0));
    }
    const lost = expected.filter(({ id }) => !seen.has(id));
    return {
      expected: expected.length,
      arrived: expected.length - lost.length,
      twice,
      late: late.length,
      untoldLate: late.filter((click) => !this.#isReported(click)).length,
      gaps: this.gaps.length,
      unreported: lost.filter((click) => !this.#isReported(click)).length,
      troubles: this.statuses.filter((status) => status !== "SUBSCRIBED").length,
    };
  }

  #isReported({ clicked_at }: Click): boolean {
    const at = Date.parse(clicked_at);
    return this.gaps.some(({ from, to }) => from <= at && at <= to);
  }
}

/** The figures of several feeds as if they were one. */
export function sum(figures: Figures[]): Figures {
  const total: Figures = {
    ...{
      expected: 0,
      arrived: 0,
      twice: 0,
      late: 0,
      untoldLate: 0,
      gaps: 0,
      unreported: 0,
      troubles: 0,
    },
  };
  for (const one of figures) {
    for (const name of Object.keys(total) as (keyof Figures)[]) total[name] += one[name];
  }
  return total;
}
