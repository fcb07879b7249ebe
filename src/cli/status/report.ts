/** Something that is not as it should be, and what mends it. */
export interface Finding {
  /** Stable. */
  readonly code: string
  /** `configuration`: somebody has to change something; `service`: it may pass; `note`: good to know. */
  readonly kind: 'configuration' | 'service' | 'note'
  readonly message: string
  /** A command, or a sentence that holds one. */
  readonly hint?: string | undefined
}

export interface SettingLine {
  readonly name: string
  /** Redacted: secrets are said to be set, URLs have no password. */
  readonly value: string
  /** `signet.rekor`, `SIGNET_REKOR_URL`, `default`. */
  readonly from: string
}

export interface TrustRootLine {
  readonly name: string
  readonly isLocal: boolean
  readonly source: string
  /** RFC 3339; undefined when the file does not tell. */
  readonly asOf: string | undefined
  readonly ageDays: number | undefined
}

export interface ServiceLine {
  readonly service: string
  readonly url: string
  /** Only after `--check`. */
  readonly answer?: string
}

/** What `status` shows and `--json` prints. */
export interface StatusReport {
  readonly version: string
  readonly program: string
  /** What git is told about signing here, by key; absent when not set. */
  readonly git: Readonly<Record<string, string>>
  /** Where the next signature's login would come from. */
  readonly login: string
  /** What says here who may sign. */
  readonly signers: string
  readonly services: readonly ServiceLine[]
  readonly settings: readonly SettingLine[]
  readonly trustRoots: readonly TrustRootLine[]
  /** Hooks of this repository that start git-signet. */
  readonly hooks: readonly string[]
  readonly lastFailure:
    | {
        readonly at: string
        readonly code: string
        readonly message: string
        readonly hint?: string
      }
    | undefined
  readonly findings: readonly Finding[]
}
