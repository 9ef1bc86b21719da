// What shoppers searched for and no item has the words for: what the shop could sell, or should call otherwise.

import type { JSX } from "preact";
import { path } from "../../api";
import { count, plural, since } from "../../format";
import { useAnswer } from "../../hooks";
import { Await, Card, Empty, Scroll } from "../../parts/basics";
import type { Searches } from "../../types";

const DAYS = 30;
const MOST = 20;
const INSTEAD: Record<string, string> = { meaning: "close in meaning", popular: "popular items" };

export function InVain({ onAsk }: { onAsk: (words: string) => void }): JSX.Element {
  const found = useAnswer(
    (api, signal) => api.get<Searches>(path("/v1/searches", [], { unanswered: "true", days: DAYS, limit: MOST }), signal),
    [],
  );
  return (
    <Card
      title="Searched for in vain"
      note={
        found.data
          ? `${count(found.data.unanswered)} of ${plural(found.data.asked, "search", "searches")} of the last ${DAYS} days`
          : "No item has the words of these questions"
      }
    >
      <Await of={found} lines={3}>
        {({ data }) =>
          data.length === 0 ? (
            <Empty title="Nothing so far">
              <p>Questions for which no item has the words are listed here, without who asked and with personal data masked.</p>
            </Empty>
          ) : (
            <Scroll label="Questions without an answer">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Question</th>
                    <th scope="col" class="number">
                      Times
                    </th>
                    <th scope="col">Last</th>
                    <th scope="col">Shown instead</th>
                  </tr>
                </thead>
                <tbody>
                  {data.map((one) => (
                    <tr key={one.query}>
                      <th scope="row">
                        <button type="button" class="link" onClick={() => onAsk(one.query)}>
                          {one.query}
                        </button>
                      </th>
                      <td class="number">{count(one.times)}</td>
                      <td>{since(one.last_at)}</td>
                      <td>{INSTEAD[one.fallback] ?? one.fallback}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </Scroll>
          )
        }
      </Await>
    </Card>
  );
}
