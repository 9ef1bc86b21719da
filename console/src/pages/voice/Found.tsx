// What the shop finds for the words.

import type { JSX } from "preact";
import { plural } from "../../format";
import { useAnswer, useItems, useShop } from "../../hooks";
import { Await, Card, Empty } from "../../parts/basics";
import { ItemLine } from "../../parts/ItemLine";
import type { SearchAnswer } from "../../types";

const SHOWN = 8;

export function Found({ query }: { query: string }): JSX.Element {
  const { tasks } = useShop();
  const answer = useAnswer<SearchAnswer | null>(
    async (api, signal) =>
      query && tasks.includes("search") ? api.post<SearchAnswer>("/v1/search", { query, n: SHOWN, facets: false }, signal) : null,
    [query],
  );
  const rows = useItems(answer.data?.items.map((item) => item.item_id) ?? []);
  return (
    <Card title="What the shop finds" note={query ? `“${query}”` : null}>
      {query ? (
        <Await of={answer} lines={5}>
          {(found) =>
            found && found.items.length > 0 ? (
              <>
                <p class="unseen" role="status">
                  {plural(found.items.length, "item", "items")}
                </p>
                <ul class="found">
                  {found.items.map((item) => (
                    <li key={item.item_id}>
                      <ItemLine id={item.item_id} row={rows.get(item.item_id)} />
                    </li>
                  ))}
                </ul>
              </>
            ) : (
              <Empty title="Nothing matches">
                <p>Correct the words, or say it in another way.</p>
              </Empty>
            )
          }
        </Await>
      ) : (
        <Empty title="Nothing asked yet">
          <p>Hold the button and say, for example, “a warm lamp for the bedroom”.</p>
        </Empty>
      )}
    </Card>
  );
}
