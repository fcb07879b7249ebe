import type { StepVerdict, Summary } from '../facts.ts'
import { escapeHtml } from './media.ts'
import { remedyFor, REASONS, resignBase } from './reasons.ts'
import type { Run } from './result.ts'
import { askedAgain, shortId } from './result.ts'
import type { ReasonGroup, Tally } from './tally.ts'
import { headline, outcomeWord, STRENGTH_WORDS } from './tally.ts'
import { ageText, countText, plural } from './terminal.ts'

const MAX_STEPS = 200

function instantText(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

function tone(summary: Summary): 'pass' | 'fail' | 'unknown' {
  return summary.exit === 0 ? 'pass' : summary.exit === 1 ? 'fail' : 'unknown'
}

/** The part of the page that needs no script: verdict, what was judged, counts, reasons, steps. */
export function summaryHtml(summary: Summary, tally: Tally, run: Run): string {
  return [
    bannerHtml(summary, tally, run),
    ...noticesHtml(run),
    countsHtml(summary, tally),
    reasonsHtml(tally, run),
    stepsHtml(summary.steps),
  ].join('\n')
}

function bannerHtml(summary: Summary, tally: Tally, run: Run): string {
  const outcome = outcomeWord(summary)
  const words = outcome.charAt(0).toUpperCase() + outcome.slice(1)
  const signs = { pass: '✓', fail: '✗', unknown: '?' }[tone(summary)]
  const meta: [string, string][] = []
  if (run.ref !== undefined && run.ref !== '') meta.push(['judged for', escapeHtml(run.ref)])
  if (run.policy !== undefined && run.policy !== '') meta.push(['by', escapeHtml(run.policy)])
  if (run.anchor !== undefined) meta.push(['anchor', `<code>${escapeHtml(run.anchor)}</code>`])
  for (const root of run.trustRoots) {
    const age = root.asOf === undefined ? 'age unknown' : `${ageText(run.now - root.asOf)} old`
    const local = root.local ? '<strong>LOCAL</strong> ' : ''
    meta.push(['trust root', `${local}${escapeHtml(root.name)}, ${age}`])
  }
  meta.push([
    'made',
    `${instantText(run.now)} by <code>git signet ${escapeHtml(run.command)}</code>`,
  ])
  if (run.helpUrl !== undefined) meta.push(['help', escapeHtml(run.helpUrl)])
  const rows = meta.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('')
  const local = tally.localUses > 0 ? ' on a LOCAL test stack' : ''
  return `<header class="banner ${tone(summary)}">
<p class="kicker">git-signet report</p>
<h1><span class="seal" aria-hidden="true">${signs}</span> ${words}${local}: ${headline(summary, tally.unnamed)}</h1>
<dl class="meta">${rows}</dl>
</header>`
}

function noticesHtml(run: Run): string[] {
  const notices = run.trustRoots
    .filter((root) => root.local)
    .map(
      (root) =>
        `<strong>LOCAL trust root ${escapeHtml(root.name)}.</strong> A test stack may vouch here; this report proves nothing to others.`,
    )
  if (run.auditOnly === true) notices.push('<strong>Audit only.</strong> Nothing was refused.')
  for (const warning of run.warnings)
    notices.push(`<strong>Warning.</strong> ${escapeHtml(warning, 1000)}`)
  return notices.map((text) => `<p class="notice" role="note">${text}</p>`)
}

function countsHtml(summary: Summary, tally: Tally): string {
  const total = Math.max(summary.checked, 1)
  const kinds = [
    ['pass', summary.pass],
    ['fail', summary.fail],
    ['unknown', summary.unknown],
  ] as const
  let x = 0
  const bars = kinds
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => {
      // A single failure among many thousands must still be seen.
      const width = Math.max((count / total) * 1000, 4)
      const bar = `<rect class="${kind}" x="${x.toFixed(1)}" y="0" width="${width.toFixed(1)}" height="10"/>`
      x += width
      return bar
    })
  const tiles = kinds.map(
    ([kind, count]) =>
      `<div class="tile ${count > 0 ? kind : 'none'}"><dd>${countText(count)}</dd><dt>${kind}</dt></div>`,
  )
  const strengths = tally
    .sortedStrengths()
    .map(([strength, count]) => `<li>${countText(count)} ${STRENGTH_WORDS[strength]}</li>`)
  return `<section class="counts" aria-label="Counts">
<dl class="tiles"><div class="tile"><dd>${countText(summary.checked)}</dd><dt>checked</dt></div>${tiles.join('')}</dl>
<svg class="share" viewBox="0 0 ${Math.max(x, 1000).toFixed(1)} 10" preserveAspectRatio="none" aria-hidden="true">${bars.join('')}</svg>
${strengths.length > 0 ? `<ul class="strengths" aria-label="How those that pass are vouched for">${strengths.join('')}</ul>` : ''}
</section>`
}

function reasonsHtml(tally: Tally, run: Run): string {
  const groups = tally.sortedGroups()
  if (groups.length === 0) return ''
  return `<section aria-labelledby="reasons">
<h2 id="reasons">What is wrong, and what mends it</h2>
<div class="reasons">${groups.map((group) => reasonHtml(group, run)).join('\n')}</div>
</section>`
}

function reasonHtml(group: ReasonGroup, run: Run): string {
  const { code } = group
  if (code === undefined) {
    const count = group.count === 0 ? '' : ` <span class="count">${countText(group.count)}</span>`
    const command = askedAgain(run.asked ?? 'verify REV', '--identity WHO --issuer URL')
    return `<article class="reason unknown"><h3>signer not checked${count}</h3>
<p>Nobody said who may sign.</p><p class="fix">Say who, or write a policy.</p>
<pre>${escapeHtml(command)}
git signet policy init</pre></article>`
  }
  const reason = REASONS[code]
  const only = group.count === 1 ? group.examples[0] : undefined
  const { fix, command } = remedyFor(code, {
    type: group.examples[0]?.verdict.object.type,
    base: resignBase(run, only),
    commit: only && shortId(only.verdict.object.id),
    run,
  })
  const count = group.count + group.steps.length
  const show =
    group.count > 0
      ? `<button type="button" class="link" data-code="${code}">show ${plural(group.count, 'object')}</button>`
      : ''
  return `<article class="reason ${reason.exit === 1 ? 'fail' : 'unknown'}"><h3><code>${code}</code>${count === 0 ? '' : ` <span class="count">${countText(count)}</span>`}</h3>
<p>It ${escapeHtml(reason.meaning)}.</p><p class="fix">${escapeHtml(fix)}</p>
${command === undefined ? '' : `<pre>${escapeHtml(command)}</pre>`}${show}</article>`
}

function stepsHtml(steps: readonly StepVerdict[]): string {
  const bad = steps.filter((step) => step.verdict !== 'pass')
  if (bad.length === 0) return ''
  const rows = bad.slice(0, MAX_STEPS).map((step) => {
    const codes = step.codes.map((code) => `<code>${code}</code>`).join(' ')
    return `<tr class="${step.verdict}"><td>${step.verdict}</td><td>${escapeHtml(step.ref)}</td><td><code>${shortId(step.before)}..${shortId(step.after)}</code></td><td>${codes}</td></tr>`
  })
  const more = bad.length - rows.length
  return `<section aria-labelledby="steps"><h2 id="steps">Movements of refs that did not pass</h2>
<table class="steps"><thead><tr><th>verdict</th><th>ref</th><th>from..to</th><th>reasons</th></tr></thead><tbody>${rows.join('')}</tbody></table>
${more > 0 ? `<p>and ${countText(more)} more</p>` : ''}</section>`
}
