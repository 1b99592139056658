import type { Message } from './message.ts';

const LONGEST_HEADER = 150;
const LONGEST_SECTION = 3_000;

/**
 * The body of a Slack incoming webhook. What comes from an identity provider is plain text
 * in blocks that know no markup; the text for previews, which does, is escaped as Slack
 * asks: `&`, `<` and `>`, without which nothing is a mention or a link.
 */
export function slackBody({ title, lines }: Message): string {
  return JSON.stringify({
    text: escapeForSlack(title),
    mrkdwn: false,
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: 'header', text: plain(title, LONGEST_HEADER) },
      { type: 'section', text: plain(lines.join('\n'), LONGEST_SECTION) },
    ],
  });
}

function plain(text: string, longest: number): object {
  const escaped = escapeForSlack(text);
  // Never in the middle of `&amp;`.
  const cut = escaped.slice(0, longest).replace(/&[a-z]{0,3}$/, '');
  return { type: 'plain_text', text: escaped.length <= longest ? escaped : cut, emoji: false };
}

/** @see https://docs.slack.dev/messaging/formatting-message-text/#escaping */
export function escapeForSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
