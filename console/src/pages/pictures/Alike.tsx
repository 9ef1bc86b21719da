// Products that look like the picture, or like the chosen part of it.

import type { JSX } from "preact";
import { percent } from "../../format";
import { useAnswer, useItems } from "../../hooks";
import { Await, Card, Empty } from "../../parts/basics";
import { about, ItemLine } from "../../parts/ItemLine";
import type { Suggestions } from "../../types";

const MOST = 8;

export function Alike({ part, stamp }: { part: object; stamp: string }): JSX.Element {
  const found = useAnswer<Suggestions>(
    (api, signal) => api.post("/v1/search/image", { ...part, n: MOST, record: false, facets: false }, signal),
    [stamp],
  );
  const rows = useItems((found.data?.items ?? []).map((one) => one.item_id));
  return (
    <Card title="Products that look like it">
      <Await of={found} lines={6}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No product looks like it">
              <p>Products need pictures in the shop’s folder, and vision must be trained once.</p>
            </Empty>
          ) : (
            <ol class="lines two-up">
              {items.map((one) => {
                const row = rows.get(one.item_id);
                return (
                  <li key={one.item_id}>
                    <ItemLine id={one.item_id} row={row} note={row ? about(row.item) : undefined}>
                      <span class="score number">{percent(Math.min(1, Math.max(0, one.score)), 1)}</span>
                    </ItemLine>
                  </li>
                );
              })}
            </ol>
          )
        }
      </Await>
    </Card>
  );
}
