// A text to try out: what it is labelled and why, its language, rude words, personal data; and what is said of an item over time.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useAnswer, useSettled, useShop } from "../hooks";
import { Await, Badge, Card, Choice, Empty } from "../parts/basics";
import { PickItem } from "../parts/Pick";
import { href } from "../router";
import type { TextRead } from "../types";
import { Beside } from "./text/Beside";
import { Labels } from "./text/Labels";
import { Said } from "./text/Said";
import { Why } from "./text/Why";
import { words } from "../format";

const LONGEST = 20_000; // characters: as much as the text task reads
const EXAMPLES: readonly (readonly [string, string])[] = [
  ["A happy review", "Absolutely love this lamp! The light is warm and it came early. I have already ordered a second one."],
  ["An unhappy one", "Broken after a week. The fabric feels cheap, and nobody answers: anna@example.org, 030 1234567."],
  ["中文", "质量太差了，用了没几天就坏了。"],
];

export function TextPage({ id }: { id: string | null }): JSX.Element {
  const { tasks } = useShop();
  const [text, setText] = useState("");
  const [model, setModel] = useState("");
  const asked = useSettled(text.trim() ? text : "", 250);
  const answer = useAnswer(
    async (api, signal) =>
      asked ? api.post<TextRead>("/v1/text/read", { text: asked, ...(model ? { model } : {}) }, signal) : null,
    [asked, model],
  );
  if (!tasks.includes("text")) return <Missing />;
  const read = answer.data;
  return (
    <>
      <Head />
      <div class="columns beside">
        <div>
          <Card title="A text" class="typed">
            <Typed text={text} onText={setText} />
            {read && (read.classifiers?.length ?? 0) > 1 && (
              <Choice
                label="Classifier"
                value={read.classifier ?? ""}
                options={(read.classifiers ?? []).map((name) => [name, words(name)] as const)}
                onChange={setModel}
              />
            )}
          </Card>
          {read?.result?.explanation && <Why explanation={read.result.explanation} />}
        </div>
        <div>
          <Card title="What it is" note={read ? read.model : "Type a text, or take an example"}>
            {asked ? (
              <Await of={answer} lines={5}>
                {(data) => data && <Labels read={data} />}
              </Await>
            ) : (
              <Empty title="Nothing typed yet">
                <p>Every word is coloured by what it contributed. What is typed here is not kept.</p>
              </Empty>
            )}
          </Card>
          {asked && read && <Beside read={read} />}
        </div>
      </div>
      <Card
        title="What is said of an item"
        note="Labelled texts of the shop with an item and a date; those without a label are judged by the classifier"
      >
        <PickItem label="Find an item" onPick={(row) => (location.hash = href("text", row.item.item_id))} />
        {id && <Said key={id} itemId={id} />}
      </Card>
    </>
  );
}

const Head = (): JSX.Element => (
  <header class="page-head">
    <div>
      <h1>Text</h1>
      <p class="quiet">What a review, a question or a title says, and which words say so</p>
    </div>
  </header>
);

const Missing = (): JSX.Element => (
  <>
    <Head />
    <Empty title="Nothing reads texts here">
      <p>The task “text” is not installed.</p>
    </Empty>
  </>
);

const Typed = ({ text, onText }: { text: string; onText: (text: string) => void }): JSX.Element => (
  <>
    <label class="field">
      <span>
        In any language {text.length >= LONGEST && <Badge kind="warn">only the first 20,000 characters are read</Badge>}
      </span>
      <textarea
        rows={6}
        value={text}
        maxLength={LONGEST}
        placeholder="Paste a review …"
        onInput={(event) => onText(event.currentTarget.value)}
      />
    </label>
    <ul class="chips" aria-label="Examples">
      {EXAMPLES.map(([name, example]) => (
        <li key={name}>
          <button type="button" class="chip" onClick={() => onText(example)}>
            {name}
          </button>
        </li>
      ))}
    </ul>
  </>
);
