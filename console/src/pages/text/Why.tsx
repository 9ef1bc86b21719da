// The text with each word marked by what it contributed: colour and kind of line say for or against, so that neither alone must be
// seen; and the same as a table.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { signed } from "../../format";
import { Card, Scroll } from "../../parts/basics";
import type { Explanation, Token } from "../../types";

const LEVELS = 3; // of strength
const FAINT = 0.08; // share of the strongest below which a word is not marked
const METHOD = {
  exact: "The contributions and a constant add up to the label’s logit.",
  occlusion: "Each contribution is what the label’s logit loses without the word.",
};

export function Why({ explanation }: { explanation: Explanation }): JSX.Element {
  const [asTable, setAsTable] = useState(false);
  const { label, tokens } = explanation;
  const most = Math.max(1e-9, ...tokens.map((token) => Math.abs(token.contribution)));
  return (
    <Card
      title="Why"
      note={METHOD[explanation.method]}
      actions={
        <button type="button" class="small" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          Table
        </button>
      }
    >
      {asTable ? (
        <Contributions explanation={explanation} />
      ) : (
        <p class="tokens" dir="auto">
          {tokens.map((token, k) => (
            <Piece key={k} token={token} most={most} />
          ))}
        </p>
      )}
      <ul class="token-legend" aria-label="Legend">
        <li>
          <span class="token for l3">word</span> speaks for “{label}”
        </li>
        <li>
          <span class="token against l3">word</span> speaks against it
        </li>
        <li class="quiet">The stronger the mark, the more.</li>
      </ul>
    </Card>
  );
}

function Piece({ token, most }: { token: Token; most: number }): JSX.Element {
  const share = Math.abs(token.contribution) / most;
  if (share < FAINT || !token.text.trim()) return <>{token.text}</>;
  const level = Math.min(LEVELS, 1 + Math.floor(share * LEVELS));
  const word = token.text.trim();
  const [before = "", after = ""] = token.text.split(word); // spaces are not marked
  return (
    <>
      {before}
      <span class={`token ${token.contribution > 0 ? "for" : "against"} l${level}`} title={signed(token.contribution)}>
        {word}
      </span>
      {after}
    </>
  );
}

function Contributions({ explanation }: { explanation: Explanation }): JSX.Element {
  const told = explanation.tokens
    .filter((token) => token.text.trim() && Math.abs(token.contribution) > 0)
    .sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution));
  return (
    <Scroll label="What each word contributed">
      <table>
        <thead>
          <tr>
            <th scope="col">Word</th>
            <th scope="col" class="number">
              For “{explanation.label}”
            </th>
          </tr>
        </thead>
        <tbody>
          {told.map((token, k) => (
            <tr key={k}>
              <th scope="row">{token.text.trim()}</th>
              <td class="number">{signed(token.contribution)}</td>
            </tr>
          ))}
          {explanation.method === "exact" && (
            <tr>
              <th scope="row">Constant</th>
              <td class="number">{signed(explanation.bias)}</td>
            </tr>
          )}
        </tbody>
      </table>
    </Scroll>
  );
}
