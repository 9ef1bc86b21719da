// A plot over time: title, one-sentence summary, a legend that switches series, and the same numbers as a table.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import type { Shape } from "./build";
import { compact } from "../format";

export interface Series {
  name: string;
  values: (number | null)[];
  hidden?: boolean; // at first
}

interface Props {
  title: string;
  summary: string;
  shape: Shape;
  x: number[]; // seconds, ascending
  series: Series[];
  when: (seconds: number) => string; // how a moment is written
  value?: (n: number) => string; // how a number is written
  total: (series: Series) => number | null; // what the legend shows while nothing is pointed at
  controls?: ComponentChildren;
  height?: number;
}

export function Plot(props: Props): JSX.Element {
  const { title, summary, x, series, when, value = compact, total, height = 220 } = props;
  const [hidden, setHidden] = useState<ReadonlySet<string>>(
    () => new Set(series.filter((one) => one.hidden).map((one) => one.name)),
  );
  const [pointed, setPointed] = useState<number | null>(null);
  const [asTable, setAsTable] = useState(false);
  const id = useId();
  const flip = (name: string): void =>
    setHidden((was) => {
      const now = new Set(was);
      if (!now.delete(name)) now.add(name);
      return now;
    });
  const at = pointed === null ? undefined : x[pointed];
  return (
    <figure class="plot" aria-labelledby={`${id}-title`}>
      <figcaption class="plot-head">
        <div>
          <h3 id={`${id}-title`}>{title}</h3>
          <p class="quiet">{summary}</p>
        </div>
        <div class="row">
          {props.controls}
          <button type="button" class="small" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
            Table
          </button>
        </div>
      </figcaption>
      {asTable ? (
        <Numbers title={title} x={x} series={series} when={when} value={value} />
      ) : (
        <>
          <Canvas {...props} hidden={hidden} height={height} onPoint={setPointed} />
          <div class="legend">
            <span class="legend-when">{at === undefined ? "Whole period" : when(at)}</span>
            {series.map((one, k) => {
              const shown = pointed === null ? total(one) : (one.values[pointed] ?? null);
              return (
                <button
                  type="button"
                  key={one.name}
                  class="key"
                  aria-pressed={!hidden.has(one.name)}
                  onClick={() => flip(one.name)}
                >
                  <span class={`swatch swatch-${(k % 10) + 1} ${props.shape}`} aria-hidden="true" />
                  {one.name} <b>{shown === null ? "–" : value(shown)}</b>
                </button>
              );
            })}
          </div>
        </>
      )}
    </figure>
  );
}

interface CanvasProps extends Props {
  hidden: ReadonlySet<string>;
  height: number;
  onPoint: (index: number | null) => void;
}

function Canvas({ title, summary, shape, x, series, hidden, height, when, value = compact, onPoint }: CanvasProps): JSX.Element {
  const holder = useRef<HTMLDivElement>(null);
  const [scheme, setScheme] = useState(0); // grows when colours change
  const point = useRef(onPoint);
  point.current = onPoint;
  const shown = useMemo(() => series.map((one) => ({ ...one, hidden: hidden.has(one.name) })), [series, hidden]);

  useEffect(() => {
    const again = (): void => setScheme((n) => n + 1);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", again);
    addEventListener("schemechange", again);
    return () => {
      dark.removeEventListener("change", again);
      removeEventListener("schemechange", again);
    };
  }, []);

  useEffect(() => {
    const element = holder.current;
    if (!element) return undefined;
    let plot: { setSize: (size: { width: number; height: number }) => void; destroy: () => void } | null = null;
    let current = true;
    const sized = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height }));
    void import("./build").then(({ draw }) => {
      if (!current) return;
      const onIndex = (index: number | null): void => point.current(index);
      plot = draw(element, { shape, x, series: shown, when, value, height, onPoint: onIndex });
      sized.observe(element);
    });
    return () => {
      current = false;
      sized.disconnect();
      plot?.destroy();
    };
  }, [shape, x, shown, height, scheme]);

  return (
    <div
      ref={holder}
      class="canvas"
      style={{ blockSize: `${height}px` }}
      role="img"
      aria-label={`${title}. ${summary}`}
      onMouseLeave={() => onPoint(null)}
    />
  );
}

type NumbersProps = Required<Pick<Props, "title" | "x" | "series" | "when" | "value">>;

function Numbers({ title, x, series, when, value }: NumbersProps): JSX.Element {
  const rows = x.map((seconds, k) => [seconds, k] as const).reverse();
  return (
    <div class="scroll tall" tabIndex={0} role="region" aria-label={`${title}, as a table`}>
      <table>
        <thead>
          <tr>
            <th scope="col">When</th>
            {series.map((one) => (
              <th scope="col" class="number" key={one.name}>
                {one.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([seconds, k]) => (
            <tr key={seconds}>
              <th scope="row">{when(seconds)}</th>
              {series.map((one) => (
                <td class="number" key={one.name}>
                  {one.values[k] == null ? "–" : value(one.values[k])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
