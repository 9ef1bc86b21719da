// The users most like this one, by the measure of your choice.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { fixed } from "../../format";
import { useAnswer } from "../../hooks";
import { Await, Card, Choice, Empty } from "../../parts/basics";
import { href } from "../../router";
import type { SimilarUsers } from "../../types";

const MEASURES = [
  ["cosine", "Cosine"],
  ["pearson", "Pearson (over what both rated)"],
  ["euclidean", "Euclidean, 1 / (1 + distance)"],
  ["relative_euclidean", "Relative Euclidean"],
  ["jaccard", "Jaccard (shared items)"],
] as const;
type Measure = (typeof MEASURES)[number][0];

export function Neighbours({ userId }: { userId: string }): JSX.Element {
  const [measure, setMeasure] = useState<Measure>("cosine");
  const answer = useAnswer<SimilarUsers>(
    (api, signal) => api.post("/v1/recommend/similar_users", { user_id: userId, n: 12, measure }, signal),
    [userId, measure],
  );
  return (
    <Card
      title="Similar users"
      note="Compared by what they did with which items"
      actions={<Choice label="Measure" value={measure} options={MEASURES} onChange={setMeasure} />}
    >
      <Await of={answer} lines={4}>
        {({ users }) =>
          users.length === 0 ? (
            <Empty title="Nobody is similar yet">
              <p>This user shares no item with anybody the model has learnt from.</p>
            </Empty>
          ) : (
            <ol class="tiles">
              {users.map((user) => (
                <li key={user.user_id}>
                  <a href={href("users", user.user_id)}>{user.user_id}</a>
                  <span class="bar-track" aria-hidden="true">
                    <span
                      class={user.similarity < 0 ? "bar less" : "bar"}
                      style={{ inlineSize: `${100 * Math.min(1, Math.abs(user.similarity))}%` }}
                    />
                  </span>
                  <span class="number">{fixed(user.similarity)}</span>
                </li>
              ))}
            </ol>
          )
        }
      </Await>
    </Card>
  );
}
