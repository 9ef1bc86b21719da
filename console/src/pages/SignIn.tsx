// The door: an API key, checked against the server before anything else is shown.

import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { Api } from "../api";
import { asApiError } from "../hooks";
import { Mark } from "../parts/Mark";
import type { Me } from "../types";

export function SignIn({ onKey, refused }: { onKey: (key: string) => void; refused: boolean }): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState<string | null>(
    refused ? "The key of this tab is no longer accepted. It has expired, was revoked, or belongs to another server." : null,
  );
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const key = input.current?.value.trim() ?? "";
    if (!key) {
      setProblem("Paste an API key first.");
      input.current?.focus();
      return;
    }
    setBusy(true);
    try {
      await new Api(key).get<Me>("/v1/me");
      onKey(key);
    } catch (error) {
      setProblem(asApiError(error).message);
      setBusy(false);
      input.current?.focus();
    }
  };
  return (
    <main class="door">
      <form class="card" onSubmit={(event) => void submit(event)} noValidate>
        <h1>
          <Mark /> <span>Aisle</span>
        </h1>
        <p class="quiet">Sign in with an API key of this server. It stays in this tab and is forgotten when the tab closes.</p>
        <label class="field">
          <span>API key</span>
          <input
            ref={input}
            type="password"
            name="key"
            autocomplete="off"
            autofocus
            spellcheck={false}
            placeholder="sk-aisle-…"
            aria-invalid={problem !== null}
            aria-describedby="door-problem"
          />
        </label>
        <p id="door-problem" class="problem" role="alert">
          {problem}
        </p>
        <button type="submit" class="primary" disabled={busy}>
          {busy ? "Checking…" : "Sign in"}
        </button>
        <p class="quiet hint">
          No key yet? Run <code>aisle keys create --name console --scopes admin</code> in the shop’s folder.
        </p>
      </form>
    </main>
  );
}
