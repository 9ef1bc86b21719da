// Events per day by type, stacked; purchases at the foot, where a change is easiest to see.

import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { Plot, type Series } from "../../chart/Plot";
import { compact, eventName } from "../../format";
import { Choice } from "../../parts/basics";
import type { Overview } from "../../types";

const DAY = 86_400; // seconds
const ORDER = [
  "purchase",
  "add_to_cart",
  "favourite",
  "rate",
  "view",
  "click",
  "remove_from_cart",
  "refund",
  "dismiss",
  "impression",
];
const SPANS = [
  ["30", "30 days"],
  ["90", "90 days"],
  ["400", "13 months"],
] as const;
const MOST_BARS = 120; // more days than this are shown as weeks
const utc = new Intl.DateTimeFormat(navigator.languages, { day: "numeric", month: "short", timeZone: "UTC" });

export function EventsPlot({ days }: { days: Overview["days"] }): JSX.Element {
  const [span, setSpan] = useState<(typeof SPANS)[number][0]>("90");
  const { x, series, step } = useMemo(() => columns(days, Number(span)), [days, span]);
  const sum = (values: (number | null)[]): number => values.reduce<number>((all, n) => all + (n ?? 0), 0);
  const total = series.reduce((all, one) => all + sum(one.values), 0);
  const sold = series.find((one) => one.name === eventName("purchase"));
  const summary = `${compact(total)} events in ${x.length} ${step === 1 ? "days" : "weeks"}${sold ? `, ${compact(sum(sold.values))} of them purchases` : ""}.`;
  const when = (seconds: number): string => utc.format(seconds * 1000);
  return (
    <Plot
      title={step === 1 ? "Events per day" : "Events per week"}
      summary={summary}
      shape="bars"
      x={x}
      series={series}
      when={when}
      total={(one) => sum(one.values)}
      controls={<Choice label="Span" value={span} options={SPANS} onChange={setSpan} />}
    />
  );
}

/** The newest `span` days as a gapless time axis, one column a day or a week. */
function columns(days: Overview["days"], span: number): { x: number[]; series: Series[]; step: number } {
  const last = days.day.at(-1);
  if (last === undefined) return { x: [], series: [], step: 1 };
  const newest = last / 1e6;
  const oldest = Math.max((days.day[0] ?? last) / 1e6, newest - (span - 1) * DAY);
  const kept = Math.round((newest - oldest) / DAY) + 1;
  const step = kept > MOST_BARS ? 7 : 1;
  const bins = Math.ceil(kept / step);
  const x = Array.from({ length: bins }, (_, k) => newest - (bins - 1 - k) * step * DAY);
  const types = Object.keys(days.types).toSorted((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b));
  const series = types.map((type) => {
    const values = new Array<number>(bins).fill(0);
    days.day.forEach((at, k) => {
      const bin = bins - 1 - Math.floor((newest - at / 1e6) / DAY / step);
      if (bin >= 0) values[bin] = (values[bin] ?? 0) + (days.types[type]?.[k] ?? 0);
    });
    return { name: eventName(type), values, hidden: type === "impression" };
  });
  return { x, series: series.filter((one) => one.values.some((n) => n > 0)), step };
}
