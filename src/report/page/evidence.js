// What is known about one object, read when somebody asks for it.

const panel = byId('evidence')
const RESULTS = {
  passed: ['✓ passed', 'pass'],
  failed: ['✗ failed', 'fail'],
  absent: ['– absent', ''],
  'not-checked': ['– not checked', ''],
}

const evidenceIsOpen = () => panel.classList.contains('open')

function definitions(entries) {
  const terms = make('dl')
  for (const [name, value, className] of entries) {
    if (value) terms.append(make('dt', '', name), make('dd', className ?? '', value))
  }
  return terms.childElementCount > 0 ? [terms] : []
}

function part(title, nodes) {
  return nodes.length > 0 ? [make('h4', '', title), ...nodes] : []
}

function whyNodes(row, evidence) {
  const nodes = []
  const tone = VERDICTS[row.verdict].tone
  for (const code of row.codes.split(' ').filter(Boolean)) {
    const reason = reasons[code]
    const box = make('div', `why ${tone}`, make('strong', '', code))
    if (reason) box.append(` It ${reason.meaning}.`)
    for (const line of evidence.reasons ?? []) {
      // That it is not signed is said already.
      const [of, ...detail] = line.split(': ')
      if (of === code && code !== 'UNSIGNED') box.append(make('p', '', detail.join(': ')))
    }
    if (reason) box.append(make('p', 'fix', reason.fix))
    const template = text(evidence.object).startsWith('tag') ? reason?.forTags : reason?.command
    if (template) {
      const command = template.replaceAll('COMMIT', row.id.slice(0, 10))
      box.append(make('pre', '', command))
    }
    nodes.push(box)
  }
  if (row.verdict === 2 && !row.codes) {
    nodes.push(make('div', 'why unknown', 'The signature is valid, but nobody said who may sign.'))
  }
  return nodes
}

function signatureNodes(facts) {
  const [kind, outcome] = text(facts.kind).split(' ')
  const [signerKind, value, issuer, root] = (facts.signer ?? []).map(text)
  return definitions([
    ['outcome', `${outcome}${kind === 'none' ? '' : ` (${kind})`}`],
    ['signer', value && `${value} (${signerKind})`],
    ['vouched by', issuer],
    ['trust root', root === 'local' ? 'LOCAL: a test stack, proof of nothing to others' : root],
    ['claims', text(facts.claims)],
    ['tolerated', text(facts.tolerated)],
  ])
}

function certificateNodes([serial, digest, notBefore, notAfter, issuer, names]) {
  return definitions([
    ['names', text(names)],
    ['valid', `${notBefore} to ${notAfter}`],
    ['issued by', text(issuer)],
    ['serial', serial, 'hex'],
    ['SHA-256', digest, 'hex'],
  ])
}

function checkNodes(checks) {
  const items = checks.split('\n').filter(Boolean)
  if (items.length === 0) return []
  const listed = make('ul', 'checks')
  for (const item of items) {
    const [result, name, ...detail] = item.split(' ')
    const [words, tone] = RESULTS[result] ?? [result, '']
    const line = make('li', '', make('span', `result ${tone}`, words), make('span', '', name))
    if (detail.length > 0) line.append(make('span', 'detail', detail.join(' ')))
    listed.append(line)
  }
  return [listed]
}

function factNodes(facts) {
  return [
    ...part('Signature', signatureNodes(facts)),
    ...part(
      'Trusted time',
      definitions((facts.times ?? []).map(([from, at, by]) => [text(from), `${at}\n${text(by)}`])),
    ),
    ...part(
      'Transparency log',
      definitions(
        (facts.log ?? []).map(([by, index, kind]) => [
          'entry',
          `${index}\n${text(by)}\n${text(kind)}`,
        ]),
      ),
    ),
    ...(facts.certificate ? part('Certificate', certificateNodes(facts.certificate)) : []),
    ...part('Checks', checkNodes(text(facts.checks))),
    ...part('Signed payload', definitions([['SHA-256', facts.payload, 'hex']])),
  ]
}

function showEvidence(row, focus = false) {
  const evidence = evidenceOf(row)
  const close = make('button', 'close', '✕')
  close.type = 'button'
  close.setAttribute('aria-label', 'Close')
  close.addEventListener('click', closeEvidence)
  const strength =
    row.verdict === 0 && STRENGTHS[row.strength] ? ` (${STRENGTHS[row.strength]})` : ''
  const mark = markOf(row)
  mark.append(strength)
  const story = (evidence.story ?? []).map((line) => make('li', '', line))
  panel.replaceChildren(
    close,
    mark,
    make('h3', '', row.subject || '(no subject)'),
    make('p', 'id', row.id),
    ...whyNodes(row, evidence),
    ...part('Verdict', [
      ...definitions([
        ['who', row.who || NOBODY],
        ['judged for', text(evidence.ref)],
        ['rules', text(evidence.rules)],
        ['policy', text(evidence.policy), 'hex'],
        ['author', `${row.author}, ${dayText(row.claimed) || 'no date'} (as it claims)`],
        ['object', text(evidence.object)],
      ]),
    ]),
    ...part('Story', story.length > 0 ? [make('ol', 'story', ...story)] : []),
    ...(evidence.facts ? factNodes(evidence.facts) : []),
  )
  panel.scrollTop = 0
  if (!evidenceIsOpen()) {
    panel.classList.add('open')
    redraw()
  }
  history.replaceState(null, '', `#${row.id}`)
  if (focus) panel.focus()
}

function closeEvidence() {
  panel.classList.remove('open')
  panel.replaceChildren()
  redraw()
  history.replaceState(null, '', '#')
  list.focus()
}
