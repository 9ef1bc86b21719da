// A search to try out: what is found and why, with weights to move, facets to narrow down, and what was searched for in vain.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { plural } from "../format";
import { useAnswer, useSettled } from "../hooks";
import { Card } from "../parts/basics";
import { PickUser } from "../parts/Pick";
import { Icon } from "../parts/icons";
import type { SearchAnswer } from "../types";
import { Facets, filterOf, type Narrowed } from "./search/Facets";
import { Found } from "./search/Found";
import { InVain } from "./search/InVain";
import { Typing } from "./search/Typing";
import { TUNED, Weights, type Moved } from "./search/Weights";

const SIZE = 20;

export function SearchPage(): JSX.Element {
  const [text, setText] = useState("");
  const [user, setUser] = useState<string | null>(null);
  const [moved, setMoved] = useState<Moved>({});
  const [narrowed, setNarrowed] = useState<Narrowed[]>([]);
  const query = useSettled(text.trim());
  const weights = useSettled(moved);
  const common = { query, n: SIZE, record: false, ...(user ? { user_id: user } : {}), ...filterOf(narrowed) };
  const inputs = JSON.stringify(common);
  const answer = useAnswer(
    async (api, signal) => (query ? api.post<SearchAnswer>("/v1/search", { ...common, weights, explain: "full" }, signal) : null),
    [inputs, JSON.stringify(weights)],
  );
  const changed = Object.keys(weights).length > 0;
  const usual = useAnswer(
    async (api, signal) =>
      query && changed ? api.post<SearchAnswer>("/v1/search", { ...common, facets: false, explain: "none" }, signal) : null,
    [inputs, changed],
  );
  const ask = (words: string): void => {
    setText(words);
    setNarrowed([]);
  };
  return (
    <>
      <header class="page-head">
        <div>
          <h1>Search</h1>
          <p class="quiet">What shoppers would find, and why</p>
        </div>
        <Typing text={text} onText={ask} />
      </header>
      <p class="unseen" role="status">
        {answer.data && !answer.loading ? plural(answer.data.items.length, "result") : ""}
      </p>
      <div class="columns search-columns">
        <div>
          <Card title="What is found" note={answer.data ? answer.data.model.replaceAll("+", ", ") : "Type a question above"}>
            <Found asked={query} answer={answer} usual={changed ? usual.data : null} onAsk={ask} />
          </Card>
          <InVain onAsk={ask} />
        </div>
        <div>
          <Weights used={answer.data?.weights ?? TUNED} moved={moved} onMove={setMoved} />
          <Card title="As somebody" note="Their taste counts, where the recommender knows them">
            {user ? (
              <ul class="chips" aria-label="Who asks">
                <li>
                  <button type="button" class="chip" onClick={() => setUser(null)} aria-label={`Nobody instead of ${user}`}>
                    {user} <Icon name="close" size={14} />
                  </button>
                </li>
              </ul>
            ) : (
              <PickUser onPick={setUser} />
            )}
          </Card>
          <Facets found={answer.data?.facets ?? {}} narrowed={narrowed} onNarrow={setNarrowed} />
        </div>
      </div>
    </>
  );
}
