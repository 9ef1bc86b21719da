// The items of an answer with their reasons, and how moved weights changed their places.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { count, fixed, milliseconds } from "../../format";
import { type Asked, useItems } from "../../hooks";
import { Await, Empty } from "../../parts/basics";
import { about, ItemLine } from "../../parts/ItemLine";
import { Moved } from "../../parts/Moved";
import { Reasons } from "../../parts/Reasons";
import type { ItemRow, SearchAnswer, Suggestion } from "../../types";

const STAND_IN: Record<string, string> = {
  meaning: "No item has these words: here is what is close in meaning.",
  popular: "Nothing matches: here is what is popular.",
};

interface Props {
  asked: string;
  answer: Asked<SearchAnswer | null>;
  usual: SearchAnswer | null; // with the weights as tuned
  onAsk: (words: string) => void;
}

export function Found({ asked, answer, usual, onAsk }: Props): JSX.Element {
  if (!asked)
    return (
      <Empty title="Nothing asked yet">
        <p>Every result says which words it has and where, and what each signal adds. Questions typed here are not recorded.</p>
      </Empty>
    );
  return (
    <Await of={answer} lines={8}>
      {(data) =>
        data === null ? null : (
          <>
            <p class="quiet">
              {count(data.total ?? 0)} that match{data.usage ? `, ${milliseconds(data.usage.cpu_ms)} of processor time` : ""}
            </p>
            {data.did_you_mean && (
              <p>
                Did you mean{" "}
                <button type="button" class="link" onClick={() => onAsk(data.did_you_mean ?? "")}>
                  {data.did_you_mean}
                </button>
                ?
              </p>
            )}
            {data.fallback && <p class="notice">{STAND_IN[data.fallback]}</p>}
            {data.items.length === 0 ? (
              <Empty title="Nothing to show">
                <p>No item passes what is kept: keep less.</p>
              </Empty>
            ) : (
              <List answer={data} usual={usual} />
            )}
          </>
        )
      }
    </Await>
  );
}

function List({ answer, usual }: { answer: SearchAnswer; usual: SearchAnswer | null }): JSX.Element {
  const rows = useItems(answer.items.map((one) => one.item_id));
  const places = new Map(usual?.items.map((one, place) => [one.item_id, place]));
  return (
    <ol class="lines ranked">
      {answer.items.map((one, place) => (
        <li key={one.item_id}>
          <Line hit={one} row={rows.get(one.item_id)} place={place} was={usual ? (places.get(one.item_id) ?? null) : undefined} />
        </li>
      ))}
    </ol>
  );
}

interface LineProps {
  hit: Suggestion;
  row: ItemRow | null | undefined;
  place: number;
  was: number | null | undefined;
}

function Line({ hit, row, place, was }: LineProps): JSX.Element {
  const [whole, setWhole] = useState(false);
  return (
    <>
      <ItemLine id={hit.item_id} row={row} note={row ? about(row.item) : undefined}>
        <span class="row tight end">
          <Moved place={place} was={was} />
          <span class="score number">
            <span class="unseen">Score </span>
            {fixed(hit.score)}
          </span>
        </span>
      </ItemLine>
      <Reasons reasons={hit.reasons ?? []} score={hit.score} whole={whole} />
      <button type="button" class="link" aria-expanded={whole} onClick={() => setWhole(!whole)}>
        {whole ? "Briefly" : "All reasons"}
        <span class="unseen"> why {row?.item.title ?? hit.item_id}</span>
      </button>
    </>
  );
}
