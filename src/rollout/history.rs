//! A service's deployments judged: what was tried, how it ended, and where to go back to.
//!
//! Names and words of AWS are of little help here (a rollback ends SUCCESSFUL, a deployment that a newer one overtook and
//! one that somebody stopped are both STOPPED), so what counts is the order of things and which bundle each brought.

use super::bundle;
use super::cause::{Cause, causes};
use crate::model::desired::Document;
use crate::model::observed::{History, Sighting};
use serde_json::Value;

/// A deployment that AWS overtakes with a newer one ends within moments of the newer one's beginning: seconds by which
/// their times may differ.
const MOMENTS: f64 = 5.0;

/// One service deployment of a history.
#[derive(Clone, Copy)]
pub struct Deployment<'a> {
    history: &'a History,
    at: usize,
}

/// How a deployment ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    UnderWay,
    Succeeded,
    /// It failed and goes back, or is stopped.
    Failing,
    /// It failed, whether it went back or not, or somebody stopped it.
    Failed,
    /// A newer one took its place before it came to an end of its own.
    Overtaken,
}

impl Ending {
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failing | Self::Failed)
    }
}

/// What a history says of a bundle.
pub struct Judgement<'a> {
    /// The newest deployment of the bundle that tells how it does: what another one overtook says nothing, unless there
    /// is nothing else.
    pub attempt: Option<Deployment<'a>>,
    /// The service revision to go back to: the one that AWS goes back to, or of the newest deployment before the
    /// attempt that succeeded and brought something else.
    pub good: Option<&'a Document>,
}

/// The history of one bundle: `wants` says which service revisions are it.
pub fn judge(history: &History, wants: impl Fn(&Document) -> bool) -> Judgement<'_> {
    let of_bundle = || all(history).filter(|deployment| deployment.target().is_some_and(&wants));
    let attempt = of_bundle().find(|deployment| deployment.ending() != Ending::Overtaken);
    let attempt = attempt.or_else(|| of_bundle().next());
    let good = attempt.and_then(|attempt| attempt.rolls_back_to().or_else(|| attempt.good_before(&wants)));
    Judgement { attempt, good }
}

/// All deployments, newest first.
pub fn all(history: &History) -> impl Iterator<Item = Deployment<'_>> {
    (0..history.deployments.len()).map(move |at| Deployment { history, at })
}

impl<'a> Deployment<'a> {
    fn body(&self) -> &'a Document {
        &self.history.deployments[self.at]
    }

    fn text(&self, member: &str) -> Option<&'a str> {
        self.body().get(member)?.as_str()
    }

    fn time(&self, member: &str) -> Option<f64> {
        self.body().get(member)?.as_f64()
    }

    pub fn arn(&self) -> &'a str {
        self.text("serviceDeploymentArn").unwrap_or_default()
    }

    fn status(&self) -> &'a str {
        self.text("status").unwrap_or_default()
    }

    pub fn is_newest(&self) -> bool {
        self.at == 0
    }

    fn newer(&self) -> Option<Self> {
        Some(Self { at: self.at.checked_sub(1)?, ..*self })
    }

    fn revision(&self, arn: Option<&Value>) -> Option<&'a Document> {
        self.history.revisions.get(arn?.as_str()?)
    }

    /// The service revision that it brings, where that is described.
    pub fn target(&self) -> Option<&'a Document> {
        let described = || self.body().get("targetServiceRevision")?.get("arn");
        self.revision(self.body().get("targetServiceRevisionArn").or_else(described))
    }

    fn rollback(&self) -> Option<&'a Document> {
        self.body().get("rollback")?.as_object()
    }

    /// The service revision that AWS goes back to.
    pub fn rolls_back_to(&self) -> Option<&'a Document> {
        self.revision(self.rollback()?.get("serviceRevisionArn"))
    }

    /// What the service is made of once this is over: the target, or what a rollback brings back.
    pub fn brings(&self) -> Option<&'a Document> {
        self.rolls_back_to().or_else(|| self.target())
    }

    pub fn ending(&self) -> Ending {
        match self.status() {
            "SUCCESSFUL" => Ending::Succeeded,
            "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS" | "STOP_REQUESTED" if self.is_newest() => {
                Ending::Failing
            }
            status if status.starts_with("ROLLBACK_") || self.rollback().is_some() => Ending::Failed,
            "STOPPED" if !self.is_overtaken() => Ending::Failed,
            "STOPPED" | "STOP_REQUESTED" => Ending::Overtaken,
            _ if self.is_newest() => Ending::UnderWay,
            // AWS has not said so yet.
            _ => Ending::Overtaken,
        }
    }

    /// Whether it stopped because the next one began.
    fn is_overtaken(&self) -> bool {
        let ended = ["stoppedAt", "finishedAt", "updatedAt"].iter().find_map(|member| self.time(member));
        self.newer().is_some_and(|newer| match (newer.time("createdAt"), ended) {
            (Some(began), Some(ended)) => began <= ended + MOMENTS,
            _ => true,
        })
    }

    /// The service revision of the newest deployment before this one that succeeded with another bundle than `not`.
    pub fn good_before(&self, not: impl Fn(&Document) -> bool) -> Option<&'a Document> {
        let older = (self.at + 1..self.history.deployments.len()).map(|at| Self { at, ..*self });
        let good = older.filter(|deployment| deployment.ending() == Ending::Succeeded);
        good.filter_map(|deployment| deployment.target()).find(|target| !not(target))
    }

    /// Whether it is younger than the one whose ARN ends so; older than all that were read is as good as none.
    pub fn is_after(&self, before: Option<&str>) -> bool {
        let Some(before) = before else { return true };
        let at = all(self.history).find(|deployment| ends_with(deployment.arn(), before));
        at.is_none_or(|other| self.at < other.at)
    }

    /// AWS's own words for how it ended.
    pub fn reason(&self) -> Option<&'a str> {
        let of_rollback = || self.rollback()?.get("reason")?.as_str();
        self.text("statusReason").or_else(of_rollback).filter(|reason| !reason.is_empty())
    }

    /// Tasks that the circuit breaker counted, and how many it stands.
    pub fn failures(&self) -> Option<(i64, i64)> {
        let breaker = self.body().get("deploymentCircuitBreaker")?;
        let (count, threshold) = (breaker["failureCount"].as_i64()?, breaker["threshold"].as_i64()?);
        (breaker["status"] != "DISABLED" && count > 0).then_some((count, threshold))
    }

    /// Why its tasks stopped, as far as AWS still knows.
    pub fn causes(&self) -> Vec<Cause> {
        let tried = self.target().map(bundle::task_definition);
        match &self.history.stopped {
            Some(Sighting::Present(stopped)) => causes(stopped, tried),
            _ => Vec::new(),
        }
    }
}

/// The end of a service deployment's ARN: enough to know it again.
pub fn mark(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

fn ends_with(arn: &str, end: &str) -> bool {
    mark(arn) == end
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Deployments from the newest to the oldest: revision, status, when it began and ended.
    fn history(deployments: &[(&str, &str, f64, f64)]) -> History {
        let mut history = History::default();
        for (n, (revision, status, began, ended)) in deployments.iter().enumerate() {
            let arn = format!("arn:aws:ecs:r:1:service-revision/shop/web/{n}");
            let deployment = json!({"serviceDeploymentArn": format!("arn:aws:ecs:r:1:service-deployment/shop/web/d{n}"),
                "targetServiceRevisionArn": arn, "status": status, "createdAt": began, "finishedAt": ended});
            history.deployments.push(deployment.as_object().unwrap().clone());
            let body = json!({"serviceRevisionArn": arn, "taskDefinition": format!("arn:aws:ecs:r:1:task-definition/{revision}")});
            history.revisions.insert(arn, body.as_object().unwrap().clone());
        }
        history
    }

    fn is(revision: &'static str) -> impl Fn(&Document) -> bool {
        move |body| bundle::task_definition(body) == revision
    }

    fn judged(
        deployments: &[(&str, &str, f64, f64)],
        wanted: &'static str,
    ) -> (Option<Ending>, Option<String>) {
        let history = history(deployments);
        let judgement = judge(&history, is(wanted));
        let good = judgement.good.map(|good| bundle::task_definition(good).to_owned());
        (judgement.attempt.map(|attempt| attempt.ending()), good)
    }

    #[test]
    fn the_newest_deployment_of_the_bundle_counts_and_what_succeeded_before_it_is_good() {
        let told = judged(
            &[
                ("web:9", "SUCCESSFUL", 50.0, 60.0),
                ("web:2", "ROLLBACK_SUCCESSFUL", 30.0, 40.0),
                ("web:1", "SUCCESSFUL", 10.0, 20.0),
                ("web:2", "SUCCESSFUL", 1.0, 2.0),
            ],
            "web:2",
        );
        // What somebody deployed afterwards is not what was good before it.
        assert_eq!(told, (Some(Ending::Failed), Some("web:1".to_owned())));
    }

    #[test]
    fn a_deployment_that_a_newer_one_overtook_did_not_fail_and_one_that_somebody_stopped_did() {
        let overtaken = [("web:3", "SUCCESSFUL", 50.0, 60.0), ("web:2", "STOPPED", 30.0, 51.0)];
        assert_eq!(judged(&overtaken, "web:2").0, Some(Ending::Overtaken));
        let failed_before = [&overtaken[..], &[("web:2", "ROLLBACK_SUCCESSFUL", 10.0, 11.0)]].concat();
        assert_eq!(judged(&failed_before, "web:2").0, Some(Ending::Failed));
        let stopped = [("web:3", "SUCCESSFUL", 50.0, 60.0), ("web:2", "STOPPED", 30.0, 40.0)];
        assert_eq!(judged(&stopped, "web:2").0, Some(Ending::Failed));
        assert_eq!(judged(&[("web:2", "STOPPED", 30.0, 40.0)], "web:2").0, Some(Ending::Failed));
    }

    #[test]
    fn a_rollback_that_a_newer_deployment_overtook_was_a_failure_all_the_same() {
        let mut overtaken = history(&[("web:3", "IN_PROGRESS", 50.0, 0.0), ("web:2", "STOPPED", 30.0, 51.0)]);
        overtaken.deployments[1].insert("rollback".into(), json!({"reason": "breaker"}));
        assert_eq!(judge(&overtaken, is("web:2")).attempt.unwrap().ending(), Ending::Failed);
    }

    #[test]
    fn the_first_deployment_has_nothing_good_before_it() {
        assert_eq!(judged(&[("web:1", "ROLLBACK_FAILED", 1.0, 2.0)], "web:1"), (Some(Ending::Failed), None));
        assert_eq!(judged(&[], "web:1"), (None, None));
    }

    #[test]
    fn aws_says_itself_where_it_goes_back_to() {
        let mut history = history(&[
            ("web:2", "ROLLBACK_IN_PROGRESS", 30.0, 0.0),
            ("web:1", "SUCCESSFUL", 20.0, 21.0),
            ("web:0", "SUCCESSFUL", 10.0, 11.0),
        ]);
        let to = history.revisions.keys().nth(2).unwrap().clone();
        history.deployments[0].insert("rollback".into(), json!({"serviceRevisionArn": to}));
        let judgement = judge(&history, is("web:2"));
        assert_eq!(judgement.attempt.unwrap().ending(), Ending::Failing);
        assert_eq!(bundle::task_definition(judgement.good.unwrap()), "web:0");
    }

    #[test]
    fn an_attempt_is_told_from_an_earlier_one_of_the_same_bundle() {
        let history =
            history(&[("web:2", "ROLLBACK_SUCCESSFUL", 30.0, 31.0), ("web:1", "SUCCESSFUL", 20.0, 21.0)]);
        let attempt = judge(&history, is("web:2")).attempt.unwrap();
        assert!(
            attempt.is_after(Some("d1")) && attempt.is_after(None) && attempt.is_after(Some("forgotten"))
        );
        assert!(!attempt.is_after(Some("d0")));
    }
}
