// Turns named series into uPlot's options and columns: stacked bars, or lines told apart by colour and dash.

import uPlot from "uplot";

export type Shape = "bars" | "lines";

interface Shown {
  name: string;
  values: (number | null)[];
  hidden: boolean;
}

interface Wanted {
  shape: Shape;
  x: number[];
  series: Shown[];
  when: (seconds: number) => string;
  value: (n: number) => string;
  height: number; // pixels
  onPoint: (index: number | null) => void;
}

const DASHES: number[][] = [[], [6, 3], [2, 2], [9, 3, 2, 3], [1, 3], [12, 4], [4, 4], [7, 2, 2, 2]];
export const COLOURS = 10; // --series-1 to --series-10
const TICK_SPACE = 84; // pixels between labels on the time axis

/** Draws into `element`; its colours and font are those of its style at this moment. */
export function draw(element: HTMLElement, wanted: Wanted): uPlot {
  const { options, data } = build(wanted, getComputedStyle(element));
  const hooks: uPlot.Hooks.Arrays = { setCursor: [(self) => wanted.onPoint(self.cursor.idx ?? null)] };
  return new uPlot({ ...options, width: element.clientWidth, height: wanted.height, hooks }, data, element);
}

function build(
  { shape, x, series, when, value }: Wanted,
  style: CSSStyleDeclaration,
): { options: Omit<uPlot.Options, "width" | "height">; data: uPlot.AlignedData } {
  const ink = (name: string): string => style.getPropertyValue(name).trim();
  const colour = (k: number): string => ink(`--series-${(k % COLOURS) + 1}`);
  const font = `12px ${style.fontFamily}`;
  const step = x.length > 1 ? Math.min(...x.slice(1).map((at, k) => at - (x[k] ?? at))) : 86_400;
  const axis = { stroke: ink("--quiet"), font, ticks: { show: false }, grid: { stroke: ink("--line"), width: 1 } };
  const drawn = shape === "bars" ? stack(series, colour) : lines(series, colour);
  const options = {
    legend: { show: false },
    padding: [10, 22, 0, 0] as uPlot.Padding,
    cursor: { y: false, drag: { x: false, y: false }, points: { show: shape === "lines" } },
    scales: {
      x: { time: true, range: (_: uPlot, low: number, high: number): uPlot.Range.MinMax => [low - step / 2, high + step / 2] },
      y: { range: (_: uPlot, __: number, high: number): uPlot.Range.MinMax => [0, high > 0 ? high * 1.06 : 1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 28,
        space: TICK_SPACE,
        incrs: increments(step),
        splits: marks(step),
        values: (_: uPlot, at: number[]) => at.map(when),
      },
      { ...axis, size: room, space: 36, values: (_: uPlot, at: number[]) => at.map(value) },
    ],
    series: [{}, ...drawn.series],
  };
  return { options, data: [x, ...drawn.columns] as uPlot.AlignedData };
}

type Drawn = { series: uPlot.Series[]; columns: (number | null)[][] };

/** Bars one upon the other: the sums are drawn from the highest down, each covering the foot of the one before. */
function stack(series: Shown[], colour: (k: number) => string): Drawn {
  const bars = uPlot.paths.bars?.({ size: [0.82, 56], radius: 0 });
  const drawn: Drawn = { series: [], columns: [] };
  let below: number[] = [];
  series.forEach((one, k) => {
    if (one.hidden) return;
    below = one.values.map((n, at) => (n ?? 0) + (below[at] ?? 0));
    drawn.columns.unshift(below);
    drawn.series.unshift({ label: one.name, fill: colour(k), width: 0, points: { show: false }, ...(bars && { paths: bars }) });
  });
  return drawn;
}

function lines(series: Shown[], colour: (k: number) => string): Drawn {
  const kept = series.map((one, k) => ({ one, k })).filter(({ one }) => !one.hidden);
  return {
    columns: kept.map(({ one }) => one.values),
    series: kept.map(({ one, k }) => ({
      label: one.name,
      stroke: colour(k),
      width: 2,
      dash: DASHES[k % DASHES.length] ?? [],
      points: { show: lonely(one.values), size: 5 },
      spanGaps: false,
    })),
  };
}

/** Whether some point has no neighbour to draw a line to, and so would not be seen. */
function lonely(values: (number | null)[]): boolean {
  return values.some((n, k) => n != null && values[k - 1] == null && values[k + 1] == null);
}

function increments(step: number): number[] {
  return [1, 2, 3, 4, 6, 7, 12, 14, 24, 28, 48, 56, 84, 168, 364].map((n) => n * step);
}

/** Ticks stand on data points, counted back from the newest. */
function marks(step: number): uPlot.Axis.Splits {
  return (self, _axis, _low, _high, increment) => {
    const x = self.data[0];
    const last = x[x.length - 1];
    const first = x[0];
    if (last === undefined || first === undefined) return [];
    const every = Math.max(increment, step);
    const found: number[] = [];
    for (let at = last; at >= first; at -= every) found.unshift(at);
    return found;
  };
}

const CHARACTER = 7; // pixels, of the axis' font

/** Room for the longest label beside the axis. */
function room(_: uPlot, labels: string[] | null): number {
  return 16 + CHARACTER * Math.max(3, ...(labels ?? []).map((label) => label.length));
}
