// The sign of Aisle: two arches of a shelf, as in icon.svg.

import type { JSX } from "preact";

export const Mark = (): JSX.Element => (
  <svg class="mark" width="28" height="28" viewBox="0 0 32 32" aria-hidden="true">
    <rect width="32" height="32" rx="8" />
    <path
      d="M8 24V13a3 3 0 0 1 6 0v11M18 24V13a3 3 0 0 1 6 0v11"
      fill="none"
      stroke="#fff"
      stroke-width="2.6"
      stroke-linecap="round"
    />
  </svg>
);
