// One third-party component of a release file.

export interface Component {
  readonly name: string;
  /** A version or a commit; `undefined` if its distributor names none. */
  readonly version: string | undefined;
  /** As its distributor states it: an SPDX expression, or prose. */
  readonly license: string;
  readonly url: string | undefined;
  /** How it is known to be in the file. */
  readonly source: "lock file" | "vendor's page" | "found in the binary";
  /** A note on how it is used, for the reader of THIRD-PARTY. */
  readonly note?: string;
}
