/**
 * One row a forgery: what is wrong, in one place only, and the code and the check that must say so.
 * Objects are made by `../../forge`, everything beside the wrong place validly signed.
 */
import type { CheckName, Outcome, ReasonCode } from '../../../src/facts.ts'
import type { SignatureOptions } from '../../forge/object.ts'
import { makeKey, makeWorld } from '../../forge/world.ts'
import type { RootOptions, World } from '../../forge/world.ts'

export const world: World = makeWorld()
export const stranger: World = makeWorld()

export interface Forgery {
  readonly name: string
  readonly cms?: SignatureOptions
  /** Signed by these authorities; the trusted root stays that of `world`. */
  readonly by?: World
  readonly trust?: RootOptions
  /** The trusted root describes this world instead. */
  readonly trusted?: World
  readonly outcome: Outcome
  readonly code?: ReasonCode
  readonly failed?: CheckName
}

export type Row = [name: string, cms: SignatureOptions, code: ReasonCode, failed: CheckName]
export type Verdict = Pick<Forgery, 'outcome'>

export function rows(verdict: Verdict, all: readonly Row[]): Forgery[] {
  return all.map(([name, cms, code, failed]) => ({ name, cms, code, failed, ...verdict }))
}

export const bad = { outcome: 'bad' } as const
export const incomplete = { outcome: 'incomplete' } as const
export const V2: SignatureOptions = { log: { version: 'v2' }, token: {} }
export const other = makeKey('P-256')
export const dropped =
  (from: number, to = from + 1) =>
  (all: Uint8Array[]) =>
    all.toSpliced(from, to - from)
export const twice = (at: number) => (all: Uint8Array[]) =>
  all.toSpliced(at, 0, all[at] ?? new Uint8Array())
export const replaced = (at: number, value: Uint8Array) => (all: Uint8Array[]) =>
  all.with(at, value)
