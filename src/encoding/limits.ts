/**
 * Every bound that hostile bytes can meet, in one place. Real values are named beside each; what is
 * above a bound is refused before work is spent on it (an object: LIMIT; a reader: its own code).
 */
export const LIMITS = {
  /** A git object; larger ones are LIMIT and not even hashed. */
  objectBytes: 32 << 20,
  /** Headers of an object; one with more is MALFORMED. Real: up to 70, an octopus merge’s parents. */
  headers: 10_000,
  /** Armor or CMS of one signature. Real: 2 to 8 KiB. */
  signatureBytes: 1 << 20,
  /** One certificate. Real: up to 2 KiB. */
  certificateBytes: 64 << 10,
  /** Certificates beside a signature. Real: up to 3. */
  certificates: 16,
  /** Extensions of a certificate. Real: up to 30. */
  extensions: 64,
  /** Names in a subject alternative name. Real: 1, foreign up to 3. */
  alternativeNames: 64,
  /** Signed or unsigned attributes of a signer, and values of one. Real: up to 9, and 1. */
  attributes: 32,
  /** Signed certificate timestamps in one certificate. Real: 1. */
  certificateTimestamps: 16,
  /** Depth of the nesting that is followed when BER is turned into DER. Real: up to 8. */
  berDepth: 24,
  /** Elements that BER is turned into DER for. Real: up to 400. */
  berElements: 20_000,
  /** RFC 3161 tokens beside a signature. Real: 1. */
  timestamps: 4,
  /** Log entries looked at for one signature when a log is asked. Real: up to 9. */
  onlineEntries: 64,
  /** trusted_root.json. Real: up to 13 KiB. */
  trustedRootBytes: 4 << 20,
} as const
