import type { StackReply } from './http.ts'

/** One hidden field of a form that is sent back as it came. */
export type HiddenFields = Iterable<readonly [string, string]>

/** The login of the authorization code flow. */
export function loginPage(
  action: string,
  hidden: HiddenFields,
  hint: string,
  error = '',
): StackReply {
  return page(
    error === '' ? 200 : 400,
    'Sign in',
    `<p>A program on this machine asks who you are, to sign with your name in the
<strong>local</strong> test instance. Nothing leaves this machine, and nothing that is signed here counts elsewhere.</p>
<form method="post" action="${escapeHtml(action)}">
${hiddenInputs(hidden)}${emailField(hint, error)}
<button type="submit">Sign in</button>
</form>`,
  )
}

/** Where a person types the code that another device shows. */
export function devicePage(action: string, userCode: string, hint: string, error = ''): StackReply {
  return page(
    error === '' ? 200 : 400,
    'Connect a device',
    `<p>A program without a browser shows a code. Allow it only if you have just started that program yourself.</p>
<form method="post" action="${escapeHtml(action)}">
<label for="user_code">Code</label>
<input id="user_code" name="user_code" value="${escapeHtml(userCode)}" autocomplete="off" autocapitalize="characters" spellcheck="false" required pattern="[A-Za-z]{4}-?[A-Za-z]{4}" placeholder="XXXX-XXXX">
${emailField(hint, error)}
<button type="submit" name="decision" value="allow">Allow</button>
<button type="submit" name="decision" value="deny" class="quiet" formnovalidate>Deny</button>
</form>`,
  )
}

/** The code to copy, for a program that could not open a port (out of band). */
export function codePage(code: string): StackReply {
  return page(
    200,
    'Copy this code',
    `<p>Go back to the program that asked, and paste this code there:</p>
<p><code class="code">${escapeHtml(code)}</code></p>`,
  )
}

export function messagePage(status: number, title: string, text: string): StackReply {
  return page(status, title, `<p>${escapeHtml(text)}</p>`)
}

function emailField(hint: string, error: string): string {
  const described = error === '' ? '' : ' aria-invalid="true" aria-describedby="error"'
  return `<label for="email">E-mail address</label>
<input id="email" name="email" type="email" value="${escapeHtml(hint)}" autocomplete="email" spellcheck="false" required autofocus placeholder="you@example.com"${described}>
${error === '' ? '' : `<p id="error" class="error" role="alert">${escapeHtml(error)}</p>`}`
}

function hiddenInputs(fields: HiddenFields): string {
  let inputs = ''
  for (const [name, value] of fields) {
    inputs += `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">\n`
  }
  return inputs
}

const STYLE = `:root{color-scheme:light dark;--ground:#f4f5f7;--card:#fff;--ink:#1c2230;--soft:#5a6375;--line:#8a93a5;--accent:#2f5bd0;--on:#fff;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--ground:#12151c;--card:#1b2029;--ink:#e9ecf3;--soft:#a8b1c2;--line:#6b7488;--accent:#8fb0ff;--on:#10182b;--bad:#ff9b91}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:25rem;background:var(--card);padding:2rem;border-radius:.75rem;box-shadow:0 1px 3px #0003,0 8px 24px #0001}
.mark{font-size:.85rem;color:var(--soft);letter-spacing:.02em;margin:0 0 .5rem}
.mark b{background:var(--accent);color:var(--on);border-radius:.3rem;padding:.1rem .4rem;font-weight:600}
h1{font-size:1.4rem;margin:0 0 .75rem}
p{margin:0 0 1rem;color:var(--soft)}
label{display:block;font-weight:600;margin:1rem 0 .3rem}
input:not([type=hidden]){width:100%;font:inherit;padding:.6rem .7rem;border:1px solid var(--line);border-radius:.4rem;background:transparent;color:inherit}
#user_code,.code{font-family:ui-monospace,monospace;letter-spacing:.08em}
.code{display:block;overflow-wrap:anywhere;padding:.8rem;border:1px solid var(--line);border-radius:.4rem;color:var(--ink);letter-spacing:0;user-select:all}
button{width:100%;margin-top:1.2rem;font:inherit;font-weight:600;padding:.65rem;border:1px solid var(--accent);border-radius:.4rem;background:var(--accent);color:var(--on);cursor:pointer}
button.quiet{margin-top:.6rem;background:transparent;color:var(--ink);border-color:var(--line)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.error{color:var(--bad);margin:.4rem 0 0}`

function page(status: number, title: string, body: string): StackReply {
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      // No form-action: browsers apply it to the redirect back to the program that asked as well.
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    },
    body: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} · git-signet LOCAL</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<p class="mark">git-signet <b>LOCAL</b></p>
<h1>${escapeHtml(title)}</h1>
${body}
</main>
</body>
</html>
`,
  }
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
