// Written by scripts/update-seed.mjs.

/** Where public-good.json comes from. */
export const PUBLIC_GOOD_ORIGIN = {
  source: '@sigstore/tuf 5.0.1',
  /** When that was published, seconds since the epoch. */
  asOf: 1_793_837_952,
  /** Of the file, which is the TUF target byte for byte. */
  sha256: '6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66',
} as const
