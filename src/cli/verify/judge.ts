import { UnavailableError } from '../../errors.ts'
import { escapeText } from '../../encoding/escape.ts'
import { isSameSigner } from '../../verification/signer-match.ts'
import type { Prover } from './prover.ts'
import { judgeBy } from './single.ts'
import type { JudgeSigner } from './single.ts'
import { wantedSigner } from './wanted-signer.ts'
import type { SignerFlags } from './wanted-signer.ts'

/**
 * Who the flags and settings say must have signed; several ways to say it must all hold.
 *
 * @returns undefined where nobody is named
 * @throws UsageError as `wantedSigner`; UnavailableError SAME_SIGNER where REV is not proven
 */
export async function judgeFor(
  flags: SignerFlags & { readonly 'same-signer-as': string | undefined },
  prover: Prover,
): Promise<JudgeSigner | undefined> {
  const wanted = await wantedSigner(flags, prover.sources)
  const named = wanted && judgeBy(wanted)
  const revision = flags['same-signer-as']
  if (revision === undefined) return named
  const { facts: other } = await prover.prove(revision)
  const signer = other.signer
  if (other.outcome !== 'proven' || signer === null) {
    const why = other.codes.join(', ')
    throw new UnavailableError(
      'SAME_SIGNER',
      `cannot compare with ${escapeText(revision)}: its signer is not proven (${why})`,
      { hint: `git signet inspect ${escapeText(revision)}` },
    )
  }
  return (facts) => {
    if (facts.signer === null || !isSameSigner(facts.signer, signer)) {
      return { code: 'UNKNOWN_SIGNER', detail: `not the signer of ${revision}` }
    }
    return named?.(facts) ?? { code: undefined }
  }
}
