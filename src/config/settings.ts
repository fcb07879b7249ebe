import { escapeText } from '../encoding/escape.ts'
import { UsageError } from '../errors.ts'
import { parseGitBoolean } from '../git/config.ts'
import { DEFINITIONS, keysOf, variablesOf } from './definitions.ts'
import type { SettingDefinition, SettingKind, SettingName } from './definitions.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Where a value came from, as it is shown to people. */
export interface SettingSource {
  readonly kind: 'flag' | 'environment' | 'git' | 'default'
  /** `--identity`, `SIGNET_ISSUER`, `signet.issuer`; empty for a default. */
  readonly name: string
}

interface Values {
  text: string
  url: string
  path: string
  boolean: boolean
  match: boolean | 'warn'
  'rekor-version': 1 | 2
  seconds: number
  count: number
  secret: string
}

type WithDefault = {
  [N in SettingName]: (typeof DEFINITIONS)[N] extends { default: string } ? N : never
}[SettingName]

type ValueOf<N extends SettingName> =
  Values[(typeof DEFINITIONS)[N]['kind']] | (N extends WithDefault ? never : undefined)

/** A setting's value and where it came from; `undefined` where nothing gives it. */
export interface Setting<T> {
  readonly value: T
  readonly source: SettingSource
}

export type Settings = { readonly [N in SettingName]: Setting<ValueOf<N>> }

export interface SettingSources {
  /** Given on the command line, by setting name. */
  readonly flags?: Readonly<Partial<Record<SettingName, string>>>
  readonly env: Environment
  /** `git config --list -z`: the last value of a key; its section and name are lower-case. */
  readonly gitConfig: {
    /** `null` for a key without `=`, which is a true boolean and else an error. */
    get(key: string): string | null | undefined
  }
}

/**
 * Every setting in force. The first source that has one counts: flag, SIGNET_*, GITSIGN_*, SIGSTORE_*,
 * signet.*, gitsign.*, default. A value that is empty asks for the default, whatever weaker ones say.
 *
 * @throws UsageError SETTING_INVALID
 */
export function loadSettings(sources: SettingSources): Settings {
  const names = Object.keys(DEFINITIONS) as SettingName[]
  return Object.fromEntries(names.map((name) => [name, readSetting(name, sources)])) as Settings
}

/**
 * One setting, without looking at the others.
 *
 * @throws UsageError SETTING_INVALID
 */
export function readSetting<N extends SettingName>(
  name: N,
  sources: SettingSources,
): Setting<ValueOf<N>> {
  const definition: SettingDefinition = DEFINITIONS[name]
  const found = findValue(name, definition, sources)
  // To git an empty boolean is false; everywhere else empty asks for the default.
  const isGitBoolean =
    found?.source.kind === 'git' && ['boolean', 'match'].includes(definition.kind)
  const usesDefault = found === undefined || (found.text === '' && !isGitBoolean)
  const text = usesDefault ? definition.default : found.text
  const source: SettingSource = usesDefault ? { kind: 'default', name: '' } : found.source
  const value =
    text === undefined ? undefined : parseValue(definition.kind, text, source, sources.env)
  return { value: value as ValueOf<N>, source }
}

interface Found {
  /** `null`: a key of git's configuration without a value. */
  readonly text: string | null
  readonly source: SettingSource
}

function findValue(
  name: SettingName,
  definition: SettingDefinition,
  { flags, env, gitConfig }: SettingSources,
): Found | undefined {
  const flag = flags?.[name]
  if (flag !== undefined) {
    const spelling = (definition.key ?? name).replace(/[A-Z]+/g, (upper) => `-${upper}`)
    return { text: flag, source: { kind: 'flag', name: `--${spelling.toLowerCase()}` } }
  }
  for (const variable of variablesOf(definition)) {
    const text = env[variable]
    if (text !== undefined) return { text, source: { kind: 'environment', name: variable } }
  }
  for (const key of keysOf(definition)) {
    const text = gitConfig.get(key.toLowerCase())
    if (text !== undefined) return { text, source: { kind: 'git', name: key } }
  }
  return undefined
}

function parseValue(
  kind: SettingKind,
  text: string | null,
  source: SettingSource,
  env: Environment,
): Values[SettingKind] {
  if (text === null) {
    if (kind === 'boolean' || kind === 'match') return true
    throw invalid(source, 'it has no value')
  }
  const refuse = (wanted: string): UsageError =>
    invalid(source, `"${escapeText(text, 80)}" is not ${wanted}`)
  switch (kind) {
    case 'text':
    case 'secret':
      return text.trim()
    case 'url': {
      if (!isHttpUrl(text)) throw invalid(source, 'it is not an http or https URL')
      return text
    }
    case 'path':
      return expandHome(text, env)
    case 'boolean': {
      const value = parseGitBoolean(text)
      if (value === undefined) throw refuse('true or false')
      return value
    }
    case 'match': {
      const value = text === 'warn' ? text : parseGitBoolean(text)
      if (value === undefined) throw refuse('true, false or warn')
      return value
    }
    case 'rekor-version':
      if (text !== '1' && text !== '2') throw refuse('1 or 2')
      return text === '1' ? 1 : 2
    case 'seconds':
      if (!/^\d{1,5}$/.test(text)) throw refuse('a number of seconds')
      return Number(text)
    case 'count':
      if (!/^[1-9]\d{0,8}$/.test(text)) throw refuse('a number from 1 to 999999999')
      return Number(text)
  }
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

function expandHome(path: string, env: Environment): string {
  return path.startsWith('~/') ? `${env['HOME'] ?? ''}${path.slice(1)}` : path
}

function invalid(source: SettingSource, why: string): UsageError {
  const where = { flag: '', environment: '', git: ' (git configuration)', default: '' }[source.kind]
  const hint =
    source.kind === 'git'
      ? `git config --show-origin --get-all ${source.name}`
      : source.kind === 'environment'
        ? `unset ${source.name}`
        : undefined
  return new UsageError(
    'SETTING_INVALID',
    `cannot use ${source.name}${where}: ${why}`,
    hint === undefined ? {} : { hint },
  )
}

/**
 * Whether a setting's value may be shown; a URL's user name and password never are.
 *
 * @returns text for people
 */
export function describeSetting(
  name: SettingName,
  { value }: Setting<string | number | boolean | undefined>,
): string {
  if (value === undefined) return '(none)'
  const { kind }: SettingDefinition = DEFINITIONS[name]
  if (kind === 'secret') return '(set, not shown)'
  const text = String(value)
  if (kind !== 'url') return escapeText(text)
  const url = new URL(text)
  if (url.username === '' && url.password === '') return escapeText(text)
  url.username = 'redacted'
  url.password = ''
  return escapeText(url.href)
}
