// A live model in brief: how it was made, from how much, and its scores beside those of plain popularity.

import type { JSX } from "preact";
import { decimal, count, duration, momentOf, since, words } from "../format";
import type { Asked } from "../hooks";
import { headline, liveOf, pairsOf, type Pair, type Version, type Versions } from "../models";
import { href } from "../router";
import { Await, Card, Command, Empty } from "./basics";

export const ModelCard = ({ versions }: { versions: Asked<Versions> }): JSX.Element => (
  <Card title="The recommending model" actions={<a href={href("models")}>All versions</a>}>
    <Await of={versions} lines={5}>
      {(all) => {
        const live = liveOf(all, "recommend");
        return live ? (
          <LiveModel version={live} />
        ) : (
          <Empty title="No model yet">
            <p>Until one is trained, there are no suggestions.</p>
            <Command>aisle train recommend</Command>
          </Empty>
        );
      }}
    </Await>
  </Card>
);

const LiveModel = ({ version }: { version: Version }): JSX.Element => (
  <>
    <Facts version={version} />
    <Scores version={version} />
  </>
);

export function Facts({ version }: { version: Version }): JSX.Element {
  const { config, data } = version;
  const algorithm = config["algorithm"];
  return (
    <dl class="pairs">
      <div>
        <dt>Version</dt>
        <dd>
          {version.task}@{version.version}
        </dd>
      </div>
      {typeof algorithm === "string" && (
        <div>
          <dt>Algorithm</dt>
          <dd>{words(algorithm)}</dd>
        </div>
      )}
      <div>
        <dt>Trained</dt>
        <dd title={momentOf(version.created_at)}>
          {since(version.created_at)}
          {data["seconds"] !== undefined && `, in ${duration(data["seconds"])}`}
        </dd>
      </div>
      {data["events"] !== undefined && (
        <div>
          <dt>Learnt from</dt>
          <dd>
            {count(data["events"])} events, {count(data["items"] ?? 0)} items
          </dd>
        </div>
      )}
    </dl>
  );
}

const KNOWN = new Set(["items", "users", "events"]); // said elsewhere on the card

/** Scores on held-out events: two bars for each, the model's and popularity's. */
export function Scores({ version }: { version: Version }): JSX.Element {
  const pairs = pairsOf(version.scores);
  const compared = pairs.filter((pair) => pair.baseline !== null);
  const others = pairs.filter((pair) => pair.baseline === null && pair.model !== 0 && !KNOWN.has(pair.name));
  const best = headline(version);
  if (pairs.length === 0) return <p class="quiet">This version was not measured: too little was held out.</p>;
  return (
    <>
      {best && (
        <p>
          {verdict(best)} <span class="quiet">({metric(best.name)}, on events held out from training)</span>
        </p>
      )}
      <ul class="duel">
        {compared.map((pair) => (
          <Duel key={pair.name} pair={pair} />
        ))}
      </ul>
      <dl class="pairs">
        {others.map((pair) => (
          <div key={pair.name}>
            <dt>{metric(pair.name)}</dt>
            <dd class="number">{Number.isInteger(pair.model) ? count(pair.model) : decimal(pair.model)}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function Duel({ pair }: { pair: Pair }): JSX.Element {
  const most = Math.max(pair.model, pair.baseline ?? 0) || 1;
  const row = (name: string, value: number, kind: string): JSX.Element => (
    <div class="duel-row">
      <span>{name}</span>
      <span class="bar-track" aria-hidden="true">
        <span class={`bar ${kind}`} style={{ inlineSize: `${(100 * value) / most}%` }} />
      </span>
      <span class="number">{decimal(value)}</span>
    </div>
  );
  return (
    <li>
      <b>{metric(pair.name)}</b>
      {row("Model", pair.model, "")}
      {pair.baseline !== null && row("Popularity", pair.baseline, "rest")}
    </li>
  );
}

function verdict({ model, baseline }: Pair): string {
  if (!baseline) return "Popularity alone finds nothing here.";
  const times = model / baseline;
  if (times >= 1.05) return `${decimal(times, 2)} times as good as popularity.`;
  return times > 0.95
    ? "No better than popularity: suggestions are hardly personal yet."
    : "Worse than popularity: train again with other settings, or with more events.";
}

const ACRONYMS = /\b(ndcg|mrr|map|auc|hr|wer|cer)\b/gi;
export const metric = (name: string): string => words(name).replace(ACRONYMS, (acronym) => acronym.toUpperCase());
