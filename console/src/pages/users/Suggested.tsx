// What a user would be shown now, with reasons, under the conditions set above the list; and how those changed it.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Api } from "../../api";
import { fixed, milliseconds, plural } from "../../format";
import { useAnswer, useItems } from "../../hooks";
import { Await, Card, Choice, Empty, Switch } from "../../parts/basics";
import { about, ItemLine } from "../../parts/ItemLine";
import { Icon } from "../../parts/icons";
import { Moved } from "../../parts/Moved";
import { PickItem } from "../../parts/Pick";
import { Reasons } from "../../parts/Reasons";
import type { ItemRow, Suggestion, Suggestions } from "../../types";

const SIZES = [
  ["5", "5"],
  ["10", "10"],
  ["20", "20"],
  ["50", "50"],
] as const;
const STRATEGIES: Record<string, string> = {
  personal: "Personal: from what this user did",
  session: "From this session",
  cold: "Newcomer: too little is known for a personal list",
  popular: "Popular: the same list for everybody",
};

interface Terms {
  n: number;
  excludeSeen: boolean;
  personalize: boolean;
  session: readonly string[];
}

export function Suggested({ userId }: { userId: string }): JSX.Element {
  const [size, setSize] = useState<(typeof SIZES)[number][0]>("10");
  const [excludeSeen, setExcludeSeen] = useState(true);
  const [personalize, setPersonalize] = useState(true);
  const [session, setSession] = useState<readonly ItemRow[]>([]);
  const terms: Terms = { n: Number(size), excludeSeen, personalize, session: session.map((row) => row.item.item_id) };
  const plain = { ...terms, excludeSeen: true, personalize: true, session: [] };
  const changed = JSON.stringify(terms) !== JSON.stringify(plain);
  const answer = useAnswer((api, signal) => ask(api, userId, terms, "brief", signal), [userId, JSON.stringify(terms)]);
  const usual = useAnswer(
    async (api, signal) => (changed ? await ask(api, userId, plain, "none", signal) : null),
    [userId, changed ? JSON.stringify(plain) : ""],
  );
  return (
    <Card title="What we would show" note={answer.data ? <Made by={answer.data} /> : null}>
      <div class="controls">
        <Choice label="How many" value={size} options={SIZES} onChange={setSize} />
        <Switch label="Hide what they have" on={excludeSeen} onChange={setExcludeSeen} />
        <Switch label="Personal" on={personalize} onChange={setPersonalize} />
      </div>
      <div class="what-if">
        <PickItem
          label="What if they had just viewed …"
          onPick={(row) => setSession([...session.filter((one) => one.item.item_id !== row.item.item_id), row])}
        />
        {session.length > 0 && (
          <ul class="chips" aria-label="Viewed in this what-if">
            {session.map((row) => (
              <li key={row.item.item_id}>
                <button
                  type="button"
                  class="chip"
                  onClick={() => setSession(session.filter((one) => one !== row))}
                  aria-label={`Remove ${row.item.title}`}
                >
                  {row.item.title} <Icon name="close" size={14} />
                </button>
              </li>
            ))}
          </ul>
        )}
      </div>
      <p class="unseen" role="status">
        {answer.data && !answer.loading ? plural(answer.data.items.length, "suggestion") : ""}
      </p>
      <Await of={answer} lines={10}>
        {(data) =>
          data.items.length === 0 ? (
            <Empty title="Nothing to show">
              <p>No item of the catalogue passes these conditions. Show what they already have, or add items.</p>
            </Empty>
          ) : (
            <List answer={data} usual={changed ? usual.data : null} userId={userId} terms={terms} />
          )
        }
      </Await>
    </Card>
  );
}

function ask(
  api: Api,
  userId: string,
  terms: Terms,
  explain: "none" | "brief" | "full",
  signal: AbortSignal,
): Promise<Suggestions> {
  const body = {
    user_id: userId,
    n: terms.n,
    exclude_seen: terms.excludeSeen,
    personalize: terms.personalize,
    explain,
    ...(terms.session.length ? { session: terms.session.map((item_id) => ({ item_id, type: "view" })) } : {}),
  };
  return api.post("/v1/recommend/for_user", body, signal);
}

const Made = ({ by }: { by: Suggestions }): JSX.Element => (
  <>
    {STRATEGIES[by.strategy] ?? by.strategy} · {by.model}
    {by.usage ? ` · ${milliseconds(by.usage.cpu_ms)} of processor time` : ""}
  </>
);

interface ListProps {
  answer: Suggestions;
  usual: Suggestions | null; // the list without this what-if
  userId: string;
  terms: Terms;
}

function List({ answer, usual, userId, terms }: ListProps): JSX.Element {
  const rows = useItems(answer.items.map((one) => one.item_id));
  const places = new Map(usual?.items.map((one, place) => [one.item_id, place]));
  return (
    <ol class="lines ranked">
      {answer.items.map((one, place) => (
        <li key={one.item_id}>
          <Line
            suggestion={one}
            place={place}
            row={rows.get(one.item_id)}
            was={usual ? (places.get(one.item_id) ?? null) : undefined}
            userId={userId}
            terms={terms}
          />
        </li>
      ))}
    </ol>
  );
}

interface LineProps {
  suggestion: Suggestion;
  place: number;
  row: ItemRow | null | undefined;
  was: number | null | undefined; // its place in the usual list; null: not in it; undefined: nothing to compare with
  userId: string;
  terms: Terms;
}

function Line({ suggestion, place, row, was, userId, terms }: LineProps): JSX.Element {
  const [whole, setWhole] = useState(false);
  return (
    <>
      <ItemLine id={suggestion.item_id} row={row} note={row ? about(row.item) : undefined}>
        <span class="row tight end">
          <Moved place={place} was={was} />
          <span class="score number" title={`Score ${suggestion.score}`}>
            <span class="unseen">Score </span>
            {fixed(suggestion.score)}
          </span>
        </span>
      </ItemLine>
      {whole ? (
        <Whole userId={userId} itemId={suggestion.item_id} terms={terms} />
      ) : (
        suggestion.reasons &&
        suggestion.reasons.length > 0 && <Reasons reasons={suggestion.reasons} score={suggestion.score} whole={false} />
      )}
      <button type="button" class="link" aria-expanded={whole} onClick={() => setWhole(!whole)}>
        {whole ? "Briefly" : "Explain fully"}
        <span class="unseen"> why {row?.item.title ?? suggestion.item_id}</span>
      </button>
    </>
  );
}

function Whole({ userId, itemId, terms }: { userId: string; itemId: string; terms: Terms }): JSX.Element {
  const answer = useAnswer((api, signal) => ask(api, userId, terms, "full", signal), [userId, JSON.stringify(terms)]);
  return (
    <Await of={answer} lines={3}>
      {({ items }) => {
        const one = items.find((item) => item.item_id === itemId);
        return one?.reasons ? (
          <Reasons reasons={one.reasons} score={one.score} whole />
        ) : (
          <p class="quiet">It is no longer in the list.</p>
        );
      }}
    </Await>
  );
}
