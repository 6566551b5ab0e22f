//! A run's causes as a message for Slack's webhooks (and those that understand the same).

use serde::Serialize;

use super::super::flaky::{counted, percent};
use super::super::history;
use super::{Cause, View, table};

/// So many causes are told.
const TOLD: usize = 5;

/// A message: `text` for notifications, `blocks` for the channel.
#[derive(Debug, Serialize)]
pub struct Message {
    text: String,
    blocks: Vec<Block>,
}

#[derive(Debug, Serialize)]
struct Block {
    r#type: &'static str,
    text: Text,
}

#[derive(Debug, Serialize)]
struct Text {
    r#type: &'static str,
    text: String,
}

/// The message.
pub fn message(view: &View) -> Message {
    let title = match &view.gate {
        Some(_) => format!("{}\n{}", table::title(view), table::answer(view)),
        None => table::title(view),
    };
    let mut blocks = vec![block(format!("*{}*", escaped(&title)))];
    blocks.extend(view.causes.iter().take(TOLD).map(|one| block(cause(one))));
    let more = view.causes.len().saturating_sub(TOLD);
    if more > 0 {
        blocks.push(block(format!("… and {}", counted(more, "more cause"))));
    }
    Message {
        text: title,
        blocks,
    }
}

fn block(mut text: String) -> Block {
    // Slack refuses longer ones.
    if text.len() > 2900 {
        let end = text.floor_char_boundary(2900);
        text.truncate(end);
        text.push('…');
    }
    Block {
        r#type: "section",
        text: Text {
            r#type: "mrkdwn",
            text,
        },
    }
}

fn cause(cause: &Cause) -> String {
    let mut text = format!(
        "*{}*, {} · {}\n{}",
        cause.called(),
        counted(cause.failures.len(), "failure"),
        cause.id,
        escaped(&cause.title)
    );
    if let Some(suspect) = cause.suspects.first() {
        text.push_str(&format!(
            "\nsuspect {} ({}): {}, {}",
            history::short(&suspect.commit),
            percent(suspect.probability),
            escaped(&suspect.subject),
            escaped(&suspect.author)
        ));
    }
    for (what, command) in [("reproduce", &cause.reproduce), ("way back", &cause.revert)] {
        if let Some(command) = command {
            text.push_str(&format!("\n{what}: {}", escaped(command)));
        }
    }
    text
}

/// Slack's three escapes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::testing;

    #[test]
    fn a_message_tells_the_answer_and_the_causes() {
        let message = super::message(&testing::gated());
        insta::assert_snapshot!(serde_json::to_string_pretty(&message).unwrap());
    }

    #[test]
    fn no_message_can_call_everybody() {
        assert_eq!(super::escaped("<!channel> &"), "&lt;!channel&gt; &amp;");
    }
}
