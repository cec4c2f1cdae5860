//! Paging as AWS does it: an opaque token that says where the next page begins, which stays good
//! when something before it is deleted meanwhile. Knows no API; each words its own refusal.
//!
//! A listing that can be long is paged [`after`] its token, so that all its pages together cost no
//! more than itself.
//!
//! Tests: in this file.

use std::fmt::Write;

/// A part of a listing, and the token of the next one if there is more.
#[derive(Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// The page of at most `size` items that `token` points to. `items` gives those that come after a
/// key, or all, in the order of their keys; no more of them are taken than the page needs. `None`:
/// the token is not one of ours.
pub fn after<T, I: IntoIterator<Item = (String, T)>>(
    token: Option<&str>,
    size: usize,
    items: impl FnOnce(Option<&str>) -> I,
) -> Option<Page<T>> {
    let last = token.map_or(Some(None), |token| decode(token).map(Some))?;
    let mut rest = items(last.as_deref()).into_iter();
    let (mut keys, mut taken) = (None, Vec::new());
    for (key, item) in rest.by_ref().take(size) {
        keys = Some(key);
        taken.push(item);
    }
    let next = keys.filter(|_| rest.next().is_some()).map(|key| encode(&key));
    Some(Page { items: taken, next })
}

/// The same of items in any order.
pub fn page<T>(
    items: impl IntoIterator<Item = (String, T)>,
    token: Option<&str>,
    size: usize,
) -> Option<Page<T>> {
    after(token, size, |last| {
        let follows = |(key, _): &(String, T)| last.is_none_or(|last| key.as_str() > last);
        let mut rest: Vec<_> = items.into_iter().filter(follows).collect();
        rest.sort_by(|(left, _), (right, _)| left.cmp(right));
        rest
    })
}

fn encode(key: &str) -> String {
    key.bytes().fold(String::new(), |mut token, byte| {
        let _ = write!(token, "{byte:02x}");
        token
    })
}

fn decode(token: &str) -> Option<String> {
    let digits = token.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    String::from_utf8(digits.collect::<Option<Vec<u8>>>()?).ok().filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(count: usize) -> Vec<(String, usize)> {
        (0..count).rev().map(|n| (format!("key-{n:03}"), n)).collect()
    }

    #[test]
    fn the_pages_together_are_the_whole_in_order() {
        let (mut seen, mut token) = (Vec::new(), None);
        loop {
            let page = page(items(23), token.as_deref(), 10).unwrap();
            seen.extend(page.items);
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, (0..23).collect::<Vec<_>>());
    }

    #[test]
    fn a_full_last_page_has_no_token() {
        assert_eq!(page(items(10), None, 10).unwrap().next, None);
        assert_eq!(page(items(0), None, 10).unwrap(), Page { items: vec![], next: None });
    }

    #[test]
    fn a_token_survives_the_deletion_of_what_it_names() {
        let token = page(items(5), None, 2).unwrap().next;
        let rest = items(5).into_iter().filter(|(_, n)| *n != 1);
        assert_eq!(page(rest, token.as_deref(), 9).unwrap().items, [2, 3, 4]);
    }

    #[test]
    fn a_page_takes_no_more_than_it_needs() {
        let mut made = 0;
        let page = after(Some(&encode("key-003")), 10, |last| {
            assert_eq!(last, Some("key-003"));
            (4..1000).map(|n| (format!("key-{n:03}"), n)).inspect(|_| made += 1)
        });
        let page = page.unwrap();
        assert_eq!((page.items, made), ((4..14).collect(), 11));
        assert!(page.next.is_some());
    }

    #[test]
    fn a_foreign_token_is_refused() {
        for token in ["", "abc", "zz", "é", "ff"] {
            assert_eq!(page(items(3), Some(token), 2), None, "{token}");
        }
    }
}
