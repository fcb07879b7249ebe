import { encodeBase64 } from '../encoding/base64.ts'
import { encodeUtf8 } from '../encoding/bytes.ts'
import { sha256 } from '../crypto/digest.ts'

export type CallbackPage =
  | { readonly kind: 'done'; readonly closeAfterSeconds: number | undefined }
  | { readonly kind: 'failed' }
  /** Not the answer to the login that is waiting. */
  | { readonly kind: 'stale' }

const STYLE = `
:root{color-scheme:light dark;--ink:#1d2430;--soft:#5a6475;--paper:#f4f5f7;--card:#fff;--line:#dfe3e8;--good:#1a7f4b;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaee;--soft:#9aa4b5;--paper:#14171c;--card:#1c2027;--line:#2c323c;--good:#4cc38a;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--paper);color:var(--ink);font:1rem/1.6 system-ui,sans-serif}
main{width:100%;max-width:27rem;padding:2.5rem 2rem;text-align:center;background:var(--card);border:1px solid var(--line);border-radius:1rem}
svg{width:4rem;height:4rem;color:var(--good)}
.bad svg{color:var(--bad)}
h1{margin:.75rem 0 .25rem;font-size:1.35rem;line-height:1.3}
p{margin:0;color:var(--soft);text-wrap:balance}
footer{margin-top:1.75rem;padding-top:1rem;border-top:1px solid var(--line);font-size:.85rem;color:var(--soft)}
`

const SEAL = `<circle cx="24" cy="24" r="20" fill="none" stroke="currentColor" stroke-width="2.5"/><circle cx="24" cy="24" r="15.5" fill="none" stroke="currentColor" stroke-width="1" stroke-dasharray="1.5 2.5"/>`
const TICK = `<path d="m16.5 24.5 5.2 5.2 10-11" fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/>`
const CROSS = `<path d="m18 18 12 12m0-12-12 12" fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round"/>`

const TEXTS = {
  done: { title: 'You are logged in', text: 'git-signet can sign now. Go back to your terminal.' },
  failed: {
    title: 'The login did not work',
    text: 'Nothing was signed. Your terminal says why.',
  },
  stale: {
    title: 'This login is not waited for',
    text: 'It may be an old page. Start again from your terminal.',
  },
} as const

/**
 * What the browser shows after a login: one document without anything from elsewhere, nothing from
 * the request in it.
 *
 * @returns the page and its Content-Security-Policy
 */
export function callbackPage(page: CallbackPage): { html: string; policy: string } {
  const { title, text } = TEXTS[page.kind]
  const isGood = page.kind === 'done'
  const seconds = page.kind === 'done' ? page.closeAfterSeconds : undefined
  // Removes the code from the address bar and the history, then closes the page where that is allowed.
  const script =
    "history.replaceState(null,'','/');" +
    (seconds === undefined ? '' : `setTimeout(()=>window.close(),${String(seconds * 1000)})`)
  const hash = (part: string): string => `'sha256-${encodeBase64(sha256(encodeUtf8(part)))}'`
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title} - git-signet</title>
<style>${STYLE}</style>
<main class="${isGood ? 'good' : 'bad'}">
<svg viewBox="0 0 48 48" aria-hidden="true">${SEAL}${isGood ? TICK : CROSS}</svg>
<h1>${title}</h1>
<p>${text}</p>
<footer>git-signet &middot; you can close this page</footer>
</main>
<script>${script}</script>
</html>
`
  const policy =
    `default-src 'none'; style-src ${hash(STYLE)}; script-src ${hash(script)}; ` +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
  return { html, policy }
}
