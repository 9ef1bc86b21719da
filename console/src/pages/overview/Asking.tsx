// Requests, latency and cost of every operation, from the usage the server meters.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { path } from "../../api";
import { Plot, type Series } from "../../chart/Plot";
import { count, decimal, milliseconds, words } from "../../format";
import { useAnswer, useTicking } from "../../hooks";
import { Await, Card, Choice, Empty, Scroll } from "../../parts/basics";
import type { UsageBucket, UsagePage, UsageResult } from "../../types";

const SPANS = [
  ["1h", "Last hour"],
  ["24h", "Last 24 hours"],
  ["7d", "Last 7 days"],
  ["30d", "Last 30 days"],
] as const;
type Span = (typeof SPANS)[number][0];
const WIDTHS: Record<Span, { seconds: number; step: number; width: string }> = {
  "1h": { seconds: 3_600, step: 60, width: "1m" },
  "24h": { seconds: 86_400, step: 3_600, width: "1h" },
  "7d": { seconds: 604_800, step: 3_600, width: "1h" },
  "30d": { seconds: 2_592_000, step: 86_400, width: "1d" },
};
const REFRESH = 15_000; // milliseconds
const clock = new Intl.DateTimeFormat(navigator.languages, { hour: "2-digit", minute: "2-digit" });
const dayClock = new Intl.DateTimeFormat(navigator.languages, { weekday: "short", hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(navigator.languages, { day: "numeric", month: "short", timeZone: "UTC" });

export function Asking(): JSX.Element {
  const [span, setSpan] = useState<Span>("1h");
  const { seconds, step, width } = WIDTHS[span];
  const usage = useAnswer(
    async (api, signal) => {
      const end = Math.floor(Date.now() / 1000) + 1;
      const query = `start_time=${end - seconds}&end_time=${end}&bucket_width=${width}&group_by=task,operation`;
      return columns((await api.get<UsagePage>(path("/v1/usage") + `?${query}`, signal)).data, end - seconds, end, step);
    },
    [span],
  );
  useTicking(usage.reload, REFRESH);
  return (
    <Card
      title="What was asked"
      note="Every operation, by whichever way it was asked: HTTP, the command line, this console"
      actions={<Choice label="Span" value={span} options={SPANS} onChange={setSpan} />}
    >
      <Await of={usage} lines={6}>
        {(data) =>
          data.totals.length === 0 ? (
            <Empty title="Nothing was asked in this time">
              <p>Open a user or an item, or call the API: every answer is counted here with its latency and cost.</p>
            </Empty>
          ) : (
            <Asked data={data} span={span} />
          )
        }
      </Await>
    </Card>
  );
}

function Asked({ data, span }: { data: Columns; span: Span }): JSX.Element {
  const when = (seconds: number): string => (span === "30d" ? day : span === "7d" ? dayClock : clock).format(seconds * 1000);
  const of = (name: string): Total | undefined => data.totals.find((one) => one.name === name);
  const requests = data.totals.reduce((sum, one) => sum + one.requests, 0);
  const slowest = data.totals.reduce((worst, one) => (one.latency > worst.latency ? one : worst));
  return (
    <>
      <div class="columns halves">
        <Plot
          title="Requests"
          summary={`${count(requests)} answers; most to ${data.totals[0]?.name ?? "none"}.`}
          shape="bars"
          x={data.x}
          series={data.requests}
          when={when}
          total={({ name }) => of(name)?.requests ?? null}
          height={190}
        />
        <Plot
          title="Mean latency"
          summary={`Slowest on average: ${slowest.name}, ${milliseconds(slowest.latency)}.`}
          shape="lines"
          x={data.x}
          series={data.latency}
          when={when}
          value={milliseconds}
          total={({ name }) => of(name)?.latency ?? null}
          height={190}
        />
      </div>
      <Operations totals={data.totals} />
    </>
  );
}

const Operations = ({ totals }: { totals: Total[] }): JSX.Element => (
  <Scroll label="Operations in this time">
    <table>
      <thead>
        <tr>
          <th scope="col">Operation</th>
          <th scope="col" class="number">
            Requests
          </th>
          <th scope="col" class="number">
            Errors
          </th>
          <th scope="col" class="number">
            Mean latency
          </th>
          <th scope="col" class="number">
            Processor time each
          </th>
          <th scope="col" class="number">
            Energy, estimated
          </th>
        </tr>
      </thead>
      <tbody>
        {totals.map((one) => (
          <tr key={one.name}>
            <th scope="row">{one.name}</th>
            <td class="number">{count(one.requests)}</td>
            <td class={one.errors ? "number bad" : "number"}>{count(one.errors)}</td>
            <td class="number">{milliseconds(one.latency)}</td>
            <td class="number">{milliseconds((1000 * one.cpu) / one.requests)}</td>
            <td class="number">{decimal(one.joules / 3.6 / one.requests, 2)} Wh / 1,000</td>
          </tr>
        ))}
      </tbody>
    </table>
  </Scroll>
);

interface Total {
  name: string;
  requests: number;
  errors: number;
  latency: number; // milliseconds, mean
  cpu: number; // seconds
  joules: number;
}

interface Columns {
  x: number[];
  requests: Series[];
  latency: Series[];
  totals: Total[]; // the busiest first
}

const nameOf = (result: UsageResult): string => `${words(result.task ?? "")}: ${words(result.operation ?? "").toLowerCase()}`;

/** Buckets as one column per operation over a gapless axis. */
function columns(buckets: UsageBucket[], start: number, end: number, step: number): Columns {
  const first = Math.floor(start / step) * step;
  const x = Array.from({ length: Math.ceil((end - first) / step) }, (_, k) => first + k * step);
  const totals = new Map<string, Total>();
  for (const { results } of buckets)
    for (const result of results) {
      const name = nameOf(result);
      const sum = totals.get(name) ?? { name, requests: 0, errors: 0, latency: 0, cpu: 0, joules: 0 };
      const requests = sum.requests + result.num_model_requests;
      sum.latency = (sum.latency * sum.requests + result.mean_latency_ms * result.num_model_requests) / (requests || 1);
      sum.requests = requests;
      sum.errors += result.num_errors;
      sum.cpu += result.cpu_seconds;
      sum.joules += result.energy_joules;
      totals.set(name, sum);
    }
  const ordered = [...totals.values()].filter((one) => one.requests > 0).sort((a, b) => b.requests - a.requests);
  const at = new Map(
    buckets.map((bucket) => [bucket.start_time, new Map(bucket.results.map((result) => [nameOf(result), result]))]),
  );
  const named = ordered.map((one) => one.name).toSorted(); // an operation keeps its colour, however busy it is
  const series = (read: (result: UsageResult | undefined) => number | null): Series[] =>
    named.map((name) => ({ name, values: x.map((seconds) => read(at.get(seconds)?.get(name))) }));
  return {
    x,
    requests: series((result) => result?.num_model_requests ?? 0),
    latency: series((result) => (result ? result.mean_latency_ms : null)),
    totals: ordered,
  };
}
