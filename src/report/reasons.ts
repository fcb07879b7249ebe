import type { ObjectType, ReasonCode, Verdict } from '../facts.ts'
import type { Run, VerdictDetails } from './result.ts'
import { askedAgain, shortId } from './result.ts'

export interface Remedy {
  fix: string
  command?: string
}

/** What a reason code means to the person who meets it. The README prints this table. */
export interface Reason {
  /** One sentence without subject: reads after "this commit …" or "this ref movement …". */
  meaning: string
  /** What mends it, or whom to ask. */
  fix: string
  /** What the author of the object types; `BASE` stands for the newest commit that is fine. */
  command?: string
  /** What a pusher reads instead, where somebody else has to mend it: the owner of the server. */
  atServer?: Remedy
  /** What is read instead where flags or settings name who must have signed, and no policy does. */
  byName?: Remedy
  /** `fix` where the log was asked already. */
  onlineFix?: string
  /** Exit code when nothing else is wrong: 1 violation, 3 policy, 4 could not be checked. */
  exit: 1 | 3 | 4
}

const RESIGN = 'git signet resign BASE..HEAD'
const INSPECT = 'git signet inspect COMMIT'
const LOOK_UP = 'git signet verify --online --keep COMMIT'
const ASKED =
  'the log does not know it, or did not answer: ask again later, or have its author sign it again'
/** Stands for a base where history begins with what is judged. */
export const ROOT = 'root'
const ASK_ADMIN = 'ask a policy admin'

/** Every reason code of policy.md §5, in its order. */
export const REASONS: Readonly<Record<ReasonCode, Reason>> = {
  UNSIGNED: {
    meaning: 'has no signature',
    fix: 'sign it if it is yours; else ask its author, or an admin for an [[accept]] entry',
    command: RESIGN,
    exit: 1,
  },
  BAD_SIGNATURE: {
    meaning: 'has a signature that does not fit its content: it was changed after signing',
    fix: 'sign it again if it is yours; else find out who changed it before trusting it',
    command: RESIGN,
    exit: 1,
  },
  MALFORMED: {
    meaning:
      'does not have the one form that git writes, so different programs may read it differently',
    fix: 'make it anew with plain git and sign it',
    command: RESIGN,
    exit: 1,
  },
  UNKNOWN_SIGNER: {
    meaning: 'is signed by an identity that was not named',
    fix: 'sign with the identity the policy names, or ask an admin to add yours',
    command: 'git signet policy add NAME --from-commit COMMIT',
    byName: {
      fix: 'do not use it, unless you know from elsewhere that this signer may sign',
      command: INSPECT,
    },
    exit: 1,
  },
  WRONG_ISSUER: {
    meaning: 'is signed by a name that was named, but another login service vouches for it',
    fix: 'log in with the provider that the policy names, and sign again',
    command: RESIGN,
    byName: {
      fix: 'do not use it, unless you know from elsewhere that this service vouches for the signer',
      command: INSPECT,
    },
    exit: 1,
  },
  CLAIM_MISMATCH: {
    meaning: 'is signed by a named identity, but from another workflow, repository or account',
    fix: 'sign from the workflow the policy pins, or ask an admin to change the entry',
    command: INSPECT,
    byName: { fix: 'do not use it, unless it should come from there', command: INSPECT },
    exit: 1,
  },
  UNTRUSTED_CERTIFICATE: {
    meaning: 'has a certificate or key that no trust root vouches for',
    fix: 'if it is OpenPGP, let a policy pin its key; else sign with git signet, or name the private root that issued it with --trusted-root',
    command: RESIGN,
    exit: 1,
  },
  CERTIFICATE_INVALID: {
    meaning: 'has a certificate that may not sign code, or that breaks the rules of its authority',
    fix: 'sign it again with a fresh certificate',
    command: RESIGN,
    exit: 1,
  },
  SCT_INVALID: {
    meaning: 'has a certificate without a valid proof that its issue was published',
    fix: 'sign it again with a fresh certificate',
    command: RESIGN,
    exit: 1,
  },
  NOT_LOGGED: {
    meaning: 'carries no transparency log entry, so nobody can tell when it was signed',
    fix: 'look the entry up online and keep it, or sign again',
    command: LOOK_UP,
    onlineFix: ASKED,
    exit: 4,
  },
  LOG_ENTRY_INVALID: {
    meaning: 'carries a log entry that is not about this signature or is not proven',
    fix: 'sign it again',
    command: RESIGN,
    exit: 1,
  },
  TIMESTAMP_INVALID: {
    meaning: 'carries a timestamp that is not about this signature or is not proven',
    fix: 'sign it again',
    command: RESIGN,
    exit: 1,
  },
  NO_TRUSTED_TIME: {
    meaning: 'has no proven time of signing, so its ten-minute certificate proves nothing',
    fix: 'look the log entry up online and keep it, or sign again',
    command: LOOK_UP,
    onlineFix: ASKED,
    exit: 4,
  },
  UNSUPPORTED: {
    meaning: 'is signed in a way that this version cannot check',
    fix: 'if it is OpenPGP or SSH, let a policy pin its key; else update git-signet, or sign it again',
    command: 'git signet policy init',
    exit: 4,
  },
  OUTSIDE_CERTIFICATE_VALIDITY: {
    meaning: 'was signed when its certificate was not valid',
    fix: 'check the clock, then sign again',
    command: `git signet status --check && ${RESIGN}`,
    exit: 1,
  },
  BEFORE_SINCE: {
    meaning: 'was signed before its signer was admitted',
    fix: 'sign it again now, or ask an admin for an [[accept]] entry',
    command: RESIGN,
    exit: 1,
  },
  AFTER_UNTIL: {
    meaning: 'was signed after its signer had left',
    fix: 'somebody who may sign must make this change',
    command: 'git signet policy show',
    exit: 1,
  },
  REVOKED: {
    meaning: 'is signed by a person, certificate, key or log entry that was revoked',
    fix: `do not use it; ${ASK_ADMIN} why it was revoked`,
    command: 'git signet policy show',
    exit: 1,
  },
  COMMITTER_MISMATCH: {
    meaning: "has a committer line that is not its signer's",
    fix: 'set user.email to an address the policy gives you, then commit and sign again',
    command: 'git config user.email ADDRESS',
    exit: 1,
  },
  AUTHOR_MISMATCH: {
    meaning: "has an author line that is not its signer's, where the rule wants them equal",
    fix: 'let the author sign it, or amend the author if it is your work',
    command: 'git commit --amend --reset-author',
    exit: 1,
  },
  NOT_ALLOWED_HERE: {
    meaning: 'is signed by a listed person who may not commit to this ref',
    fix: "send it to somebody in `by` of the ref's rule, or ask an admin",
    command: 'git signet policy show',
    exit: 1,
  },
  PATH_NOT_ALLOWED: {
    meaning: 'changes files that its signer may not change',
    fix: 'take the change to those files out, or let somebody who may do it commit it',
    command: 'git signet verify --explain COMMIT',
    exit: 1,
  },
  MERGE_ADDS_CHANGES: {
    meaning: "is a merge that changes more than git's own merge of its parents would",
    fix: 'merge again without edits; put the edits into a commit by somebody in `by`',
    command: 'git show --remerge-diff COMMIT',
    exit: 1,
  },
  SQUASH_NOT_REPRODUCIBLE: {
    meaning: 'is a squash whose content is not what its source gives',
    fix: 'squash again from the signed branch, or merge it instead',
    command: 'git signet verify --squash-source REF COMMIT',
    exit: 1,
  },
  SQUASH_SOURCE_MISSING: {
    meaning: 'is a squash whose source commits are not here to compare',
    fix: "fetch the pull request's commits and verify again",
    command: 'git signet verify --squash-source REF COMMIT',
    exit: 4,
  },
  FORGE_EDIT: {
    meaning: "was made in the forge's web editor, which the policy does not accept",
    fix: 'make the change in a clone and sign it',
    exit: 1,
  },
  POLICY_CHANGE_NOT_ADMIN: {
    meaning: "changes the policy (.signet) without an admin's signature",
    fix: 'an admin must sign the change to .signet',
    command: 'git signet policy show',
    exit: 1,
  },
  POLICY_INVALID: {
    meaning: 'holds a policy that has mistakes',
    fix: 'mend what the check names',
    command: 'git signet policy check',
    exit: 3,
  },
  POLICY_LOCKOUT: {
    meaning: 'would leave no admin who could change the policy again',
    fix: 'keep at least one admin whose identity is in force',
    command: 'git signet policy check',
    exit: 1,
  },
  FOXTROT: {
    meaning: "puts the branch's own history on the side of a merge",
    fix: 'merge the other way round: from the branch, merge your work',
    command: 'git fetch && git rebase origin/BRANCH',
    exit: 1,
  },
  NOT_DESCENDANT: {
    meaning: 'does not descend from the anchor',
    fix: 'rebase onto the protected branch, or ask an admin for an [[accept]] entry',
    command: 'git rebase origin/BRANCH',
    exit: 1,
  },
  REWRITTEN: {
    meaning: 'rewrites a branch that may only grow',
    fix: 'bring your work on top of what is there, and push without force',
    command: 'git pull --rebase',
    exit: 1,
  },
  DELETED: {
    meaning: 'deletes a ref that may not be deleted',
    fix: ASK_ADMIN,
    exit: 1,
  },
  CREATED: {
    meaning: 'creates a protected branch that does not start where it may',
    fix: 'start it at a verified commit, or let somebody in `by` sign its tip',
    exit: 1,
  },
  REF_NOT_ALLOWED: {
    meaning: 'moves a ref that the policy does not allow',
    fix: `push to another ref, or ${ASK_ADMIN} for a rule`,
    exit: 1,
  },
  TAG_NOT_ANNOTATED: {
    meaning: 'is a lightweight tag, which nobody can sign',
    fix: 'make an annotated, signed tag',
    command: 'git tag -s NAME COMMIT',
    exit: 1,
  },
  TAG_NAME: {
    meaning: 'is a tag object signed under another name',
    fix: 'make and sign the tag under the name it is pushed as',
    command: 'git tag -s NAME COMMIT',
    exit: 1,
  },
  TAG_TARGET: {
    meaning: 'is a tag on something that is not on a verified branch',
    fix: 'push the branch first, and tag a commit on it',
    command: 'git tag -s NAME COMMIT',
    exit: 1,
  },
  TAG_MOVED: {
    meaning: 'moves a tag that others may already have',
    fix: 'make a new tag with a new name',
    command: 'git tag -s NAME COMMIT',
    exit: 1,
  },
  PUSH_CERT: {
    meaning: 'needs a signed push by somebody the rule names',
    fix: 'push with a signature',
    command: 'git push --signed',
    exit: 1,
  },
  SHALLOW: {
    meaning: 'has history that ends at a shallow boundary, so what lies before cannot be checked',
    fix: 'fetch the rest',
    command: 'git fetch --unshallow',
    exit: 4,
  },
  MISSING_OBJECT: {
    meaning: 'needs an object that is not in this repository',
    fix: 'fetch what is missing',
    command: 'git fetch --refetch',
    exit: 4,
  },
  LIMIT: {
    meaning: 'is larger, or took longer, than the limit that is set',
    fix: "push in smaller pieces, or ask the server's owner to raise the limit",
    exit: 4,
  },
  ROLLBACK: {
    meaning: 'leads back behind a tip that was already verified',
    fix: 'fetch again from a source you trust; somebody may be showing you old history',
    command: 'git fetch',
    atServer: {
      fix: 'find out who moved it back past the hook. If that was meant, the owner of the server types there',
      command: 'git signet hook forget REF',
    },
    exit: 1,
  },
  NOTHING_TO_CHECK: {
    meaning: 'selects no object at all',
    fix: 'check the range; --allow-empty if that is what you expect',
    exit: 4,
  },
}

export interface KnownAboutFix {
  /** What resign's range starts after. */
  base?: string | undefined
  /** The one object concerned. */
  commit?: string | undefined
  type?: ObjectType | undefined
  /** How it is judged: without a policy, after the log was asked. */
  run?: Pick<Run, 'asked' | 'isOnline' | 'policy'>
}

/** What mends a reason, with what is known put in. */
export function remedyFor(code: ReasonCode, known: KnownAboutFix): Remedy {
  const reason = REASONS[code]
  const { run } = known
  if (reason.command === LOOK_UP && run?.asked !== undefined) {
    const fix = (run.isOnline === true ? reason.onlineFix : undefined) ?? reason.fix
    return { fix, command: askedAgain(run.asked, '--online --keep') }
  }
  const isByName = run !== undefined && run.policy === undefined
  const { fix, command } = (isByName ? reason.byName : undefined) ?? reason
  return command === undefined ? { fix } : { fix, command: filledIn(command, known) }
}

function filledIn(command: string, known: KnownAboutFix): string {
  // A tag is not part of any range: it is made again.
  if (known.type === 'tag' && command.includes(RESIGN)) {
    return command.replace(RESIGN, 'git tag -f -s NAME TARGET')
  }
  return command
    .replaceAll('BASE..', known.base === ROOT ? '--root ' : 'BASE..')
    .replaceAll('BASE', known.base ?? 'BASE')
    .replaceAll('COMMIT', known.commit ?? 'COMMIT')
}

/** What resign's range starts after: known of the run, else the parent of the one commit concerned. */
export function resignBase(
  run: Pick<Run, 'base'>,
  only?: { readonly verdict: Verdict; readonly details: VerdictDetails },
): string | undefined {
  if (run.base !== undefined) return shortId(run.base)
  if (only === undefined) return undefined
  return only.details.isRoot === true ? ROOT : `${shortId(only.verdict.object.id)}^`
}
