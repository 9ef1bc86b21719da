// Items like this one by one way of being alike, and items bought with it.

import type { JSX } from "preact";
import { capital, fixed } from "../../format";
import { useAnswer, useItems } from "../../hooks";
import { Await, Card, Empty } from "../../parts/basics";
import { about, ItemLine } from "../../parts/ItemLine";
import type { Suggestion, Suggestions } from "../../types";

const WAYS = {
  behaviour: {
    name: "By behaviour",
    note: "Chosen by the same shoppers",
    none: "Nobody has chosen it beside another item yet.",
    why: false,
  },
  text: { name: "By text", note: "Described alike", none: "Its words are shared with no other item.", why: false },
  blend: {
    name: "Both together",
    note: "What the shop would show",
    none: "Neither behaviour nor words lead to another item.",
    why: true,
  },
} as const;
const MOST = 8;

export function NeighboursBy({ itemId, by }: { itemId: string; by: keyof typeof WAYS }): JSX.Element {
  const answer = useAnswer<Suggestions>(
    (api, signal) => api.post("/v1/recommend/similar_items", { item_id: itemId, n: MOST, by }, signal),
    [itemId, by],
  );
  return (
    <section aria-label={WAYS[by].name}>
      <h3>{WAYS[by].name}</h3>
      <p class="quiet">{WAYS[by].note}</p>
      <Await of={answer} lines={6}>
        {({ items }) => (items.length === 0 ? <p class="quiet">{WAYS[by].none}</p> : <Lines items={items} why={WAYS[by].why} />)}
      </Await>
    </section>
  );
}

export function AlsoBought({ itemId }: { itemId: string }): JSX.Element {
  const answer = useAnswer<Suggestions>(
    (api, signal) => api.post("/v1/recommend/bought_together", { item_ids: [itemId], n: MOST }, signal),
    [itemId],
  );
  return (
    <Card title="Bought together" note="In the same order">
      <Await of={answer} lines={4}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="It was never bought with anything">
              <p>Pairs appear once two people have bought both.</p>
            </Empty>
          ) : (
            <div class="two-up">
              <Lines items={items} why />
            </div>
          )
        }
      </Await>
    </Card>
  );
}

function Lines({ items, why }: { items: Suggestion[]; why: boolean }): JSX.Element {
  const rows = useItems(items.map((one) => one.item_id));
  return (
    <ol class="lines">
      {items.map((one) => {
        const row = rows.get(one.item_id);
        return (
          <li key={one.item_id}>
            <ItemLine
              id={one.item_id}
              row={row}
              note={(why && one.reasons?.[0] && capital(one.reasons[0].text)) || (row ? about(row.item) : undefined)}
            >
              <span class="score number">{fixed(one.score)}</span>
            </ItemLine>
          </li>
        );
      })}
    </ol>
  );
}
