// The small parts every page is made of: failures, emptiness with a next step, figures, badges, switches, progress.

import type { ComponentChildren, JSX } from "preact";
import { useId, useState } from "preact/hooks";
import type { ApiError } from "../api";
import { sentence } from "../format";
import type { Asked } from "../hooks";
import { href } from "../router";

interface Children {
  children: ComponentChildren;
}

export function Card({
  title,
  note,
  actions,
  children,
  class: name = "",
}: { title?: string; note?: ComponentChildren; actions?: ComponentChildren; class?: string } & Children): JSX.Element {
  const id = useId();
  return (
    <section class={`card ${name}`} {...(title ? { "aria-labelledby": id } : {})}>
      {title && (
        <header class="card-head">
          <div>
            <h2 id={id}>{title}</h2>
            {note && <p class="quiet">{note}</p>}
          </div>
          {actions && <div class="row">{actions}</div>}
        </header>
      )}
      {children}
    </section>
  );
}

export function Failure({ error, retry }: { error: ApiError; retry?: () => void }): JSX.Element {
  if (error.code === "model_not_found")
    return (
      <Empty title="No model yet">
        <p>
          Train one on <a href={href("models")}>Models</a>; the first takes seconds for a small shop.
        </p>
      </Empty>
    );
  if (error.status === 403)
    return (
      <Empty title="Not with this key">
        <p>{sentence(error.message)}</p>
      </Empty>
    );
  return (
    <div class="notice bad" role="alert">
      <p>{sentence(error.message)}</p>
      <p class="row">
        {retry && (
          <button type="button" class="small" onClick={retry}>
            Try again
          </button>
        )}
        {error.requestId && <span class="quiet">Request {error.requestId}</span>}
      </p>
    </div>
  );
}

/** Something is missing: what, and the next step. */
export const Empty = ({ title, children }: { title: string } & Children): JSX.Element => (
  <div class="notice">
    <p>
      <b>{title}</b>
    </p>
    {children}
  </div>
);

/** Shows an answer when it is there, and says so when it is late, empty-handed or refused. */
export function Await<T>({
  of,
  children,
  lines = 3,
}: {
  of: Asked<T>;
  children: (data: T) => ComponentChildren;
  lines?: number;
}): JSX.Element {
  if (of.error) return <Failure error={of.error} retry={of.reload} />;
  if (of.data === null) return <Skeleton lines={lines} />;
  return (
    <div class={of.loading ? "stale" : ""} aria-busy={of.loading}>
      {children(of.data)}
    </div>
  );
}

export const Skeleton = ({ lines }: { lines: number }): JSX.Element => (
  <div class="skeleton" role="status">
    <span class="unseen">Loading</span>
    {Array.from({ length: lines }, (_, k) => (
      <span key={k} aria-hidden="true" />
    ))}
  </div>
);

export const Figure = ({ name, value, note }: { name: string; value: string; note?: ComponentChildren }): JSX.Element => (
  <div class="figure">
    <dt>{name}</dt>
    <dd>
      <span class="figure-value">{value}</span>
      {note && <span class="quiet">{note}</span>}
    </dd>
  </div>
);

export const Badge = ({
  kind = "plain",
  children,
}: { kind?: "plain" | "good" | "warn" | "bad" | "accent" } & Children): JSX.Element => (
  <span class={`badge ${kind}`}>{children}</span>
);

export const Switch = ({ label, on, onChange }: { label: string; on: boolean; onChange: (on: boolean) => void }): JSX.Element => (
  <button type="button" role="switch" class="switch" aria-checked={on} onClick={() => onChange(!on)}>
    <span class="knob" aria-hidden="true" />
    {label}
  </button>
);

interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}

export function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>): JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value as T)}>
        {options.map(([key, name]) => (
          <option key={key} value={key}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

export const Progress = ({ label, done, total }: { label: string; done: number; total: number }): JSX.Element => (
  <div
    class="progress"
    role="progressbar"
    aria-label={label}
    aria-valuemin={0}
    aria-valuemax={100}
    aria-valuenow={Math.round((100 * done) / (total || 1))}
  >
    <span style={{ inlineSize: `${Math.min(100, (100 * done) / (total || 1))}%` }} />
  </div>
);

/** A table that may be wider than its place: it scrolls by itself, with the keyboard too. */
export const Scroll = ({ label, children }: { label: string } & Children): JSX.Element => (
  <div class="scroll" tabIndex={0} role="region" aria-label={label}>
    {children}
  </div>
);

/** A command to run in a terminal, with a button that copies it. */
export function Command({ children }: { children: string }): JSX.Element {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(children);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <span class="command">
      <code>{children}</code>
      <button type="button" class="small" onClick={() => void copy().catch(() => undefined)} aria-label={`Copy: ${children}`}>
        {copied ? "Copied" : "Copy"}
      </button>
    </span>
  );
}

export interface Bar {
  name: string;
  value: number;
  text: string;
  quiet?: boolean;
}

/** Named bars from a common zero; negative ones run to the left of it. `whole` is what a full bar stands for, if not the longest. */
export function Bars({ bars, whole = 0 }: { bars: Bar[]; whole?: number }): JSX.Element {
  const low = Math.min(0, ...bars.map((bar) => bar.value));
  const span = Math.max(0, whole, ...bars.map((bar) => bar.value)) - low || 1;
  return (
    <ul class="bars">
      {bars.map((bar, k) => (
        <li key={k} class={bar.quiet ? "rest" : ""}>
          <span class="bar-name">{bar.name}</span>
          <span class="bar-track" aria-hidden="true">
            <span
              class={bar.value < 0 ? "bar less" : "bar"}
              style={{
                insetInlineStart: `${(100 * (Math.min(0, bar.value) - low)) / span}%`,
                inlineSize: `${(100 * Math.abs(bar.value)) / span}%`,
              }}
            />
          </span>
          <span class="bar-text number">{bar.text}</span>
        </li>
      ))}
    </ul>
  );
}
