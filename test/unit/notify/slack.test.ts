import { slackBody } from '@rollcall/shared/notify/slack';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

const bodyOf = (title: string, ...lines: string[]) => JSON.parse(slackBody({ title, lines }));

test('nothing that a person is called is a mention, a link or markup', () => {
  const body = bodyOf('a', '<!channel> <@U123> <https://evil.example|click> & *bold*');
  expect(body.blocks[1].text).toEqual({
    type: 'plain_text',
    text: '&lt;!channel&gt; &lt;@U123&gt; &lt;https://evil.example|click&gt; &amp; *bold*',
    emoji: false,
  });
  expect(body).toMatchObject({ unfurl_links: false, unfurl_media: false, mrkdwn: false });
});

test('whatever it is told, no text has an open angle or is longer than Slack takes', async () => {
  await fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 500 }), fc.string(), (title, line) => {
      const body = bodyOf(title, `${line}<&>`.repeat(400));
      const texts = [body.text, body.blocks[0].text.text, body.blocks[1].text.text];
      expect(texts.join('')).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
      expect(body.blocks[0].text.text.length).toBeLessThanOrEqual(150);
      expect(body.blocks[1].text.text.length).toBeLessThanOrEqual(3_000);
    }),
  );
});
