// "Are you sure?": the browser's own modal dialog, which keeps the focus and closes with Escape.

import type { JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

interface Props {
  title: string;
  body: string;
  yes: string;
  onYes: () => void;
  onNo: () => void;
}

export function Ask({ title, body, yes, onYes, onNo }: Props): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onNo}>
      <h2 id={id}>{title}</h2>
      <p>{body}</p>
      <div class="row end">
        <button type="button" onClick={onNo}>
          Cancel
        </button>
        <button type="button" class="primary" onClick={onYes}>
          {yes}
        </button>
      </div>
    </dialog>
  );
}
