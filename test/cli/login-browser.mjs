// Stands for a person's browser in tests: opens the login page, fills in its form as `LOGIN_EMAIL` and
// follows the redirect back. Prints what a chatty browser would: none of it may reach a signature.
process.stdout.write('Opening in existing browser session.\n')

const login = new URL(process.argv[2])
const back =
  process.env.LOGIN_DECISION === 'deny'
    ? denied(login)
    : await logIn(login, process.env.LOGIN_EMAIL)
// Another page on this machine tries its luck first.
await fetch(`${back.origin}${back.pathname}?code=stolen&state=guess`)
await fetch(back)

function denied(url) {
  const answer = new URL(url.searchParams.get('redirect_uri'))
  answer.searchParams.set('error', 'access_denied')
  answer.searchParams.set('error_description', 'no \u001b[31mthanks')
  answer.searchParams.set('state', url.searchParams.get('state'))
  answer.searchParams.set('iss', url.href.replace(/\/auth\?.*$/, ''))
  return answer
}

async function logIn(url, email) {
  const page = await fetch(url)
  const html = await page.text()
  const fields = new URLSearchParams({ email })
  const hidden = /<input type="hidden" name="([^"]*)" value="([^"]*)">/g
  for (const [, name, value] of html.matchAll(hidden)) {
    fields.set(
      name,
      value.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&'),
    )
  }
  const answer = await fetch(new URL(/action="([^"]*)"/.exec(html)[1], page.url), {
    method: 'POST',
    body: fields,
    redirect: 'manual',
  })
  return new URL(answer.headers.get('location'))
}
