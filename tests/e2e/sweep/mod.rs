//! The crash-point sweep: each workflow is played once undisturbed, and once more for every outgoing call and every way in
//! which it can go wrong. Whatever was disturbed, all invariants must hold when nothing is left to be done.
//!
//! | file | subject |
//! | --- | --- |
//! | `workflows` | what is played |
//! | `play` | playing on, whatever happens |
//! | `points` | which calls are disturbed, and how |
//! | `seen` | how everything stands in the end |
//! | `invariants` | what must hold |
//! | `course` | how it went, which some disturbances may not change |
//! | `registry` | what is played beside verifications |
//! | `mutations` | that the sweep finds a condition that is weakened on purpose |
//!
//! `COTEJO_SWEEP` says how many of the runs are made: `full`, or `2/7` for the third seventh (they count from 0). Where it
//! says nothing, it is one run in [`SHARE`].

pub mod course;
pub mod invariants;
mod mutations;
pub mod play;
mod points;
mod registry;
pub mod seen;
pub mod workflows;

use std::io::Write as _;

use cotejo_tests::{Call, Trouble};
use futures_util::{StreamExt as _, stream};

use self::{
    course::Course,
    invariants::INVARIANTS,
    play::Play,
    points::Point,
    registry::REGISTRY,
    seen::Seen,
    workflows::{WORKFLOWS, Workflow},
};

/// One run in so many is made where nothing else is said.
const SHARE: usize = 32;
/// Worlds that are played side by side.
const AT_ONCE: usize = 4;

/// What one run showed.
pub struct Outcome {
    /// The calls that were made.
    calls: Vec<Call>,
    /// Shards of the index `due` that had to do with it.
    shards: Vec<String>,
    /// Whether the disturbance happened.
    disturbed: bool,
    /// The invariants that do not hold, and what is wrong.
    pub broken: Vec<String>,
    /// How it went.
    course: Course,
}

/// Plays a workflow in a new world, disturbed at `point`.
pub async fn run(workflow: Workflow, point: Option<&Point>, prepare: impl FnOnce(&Play)) -> Outcome {
    let play = Play::begin().await;
    prepare(&play);
    if let Some(point) = point {
        point.plan(&play);
    }
    (workflow.play)(&play).await;
    play.settle().await;
    let wire = play.world.aws.wire();
    let (calls, disturbed) = (wire.take(), wire.is_calm());
    let seen = Seen::of(&play).await;
    let broken = INVARIANTS.iter().filter_map(|(name, holds)| {
        let problem = holds(&workflow, &seen).err()?;
        Some(format!("{name}: {problem}"))
    });
    let course = Course::of(&play, &seen);
    Outcome { calls, shards: wire.shards().into_iter().collect(), disturbed, broken: broken.collect(), course }
}

/// The workflow of that name.
pub fn workflow(name: &str) -> Workflow {
    *WORKFLOWS.iter().chain(REGISTRY).find(|workflow| workflow.name == name).unwrap()
}

/// Plays a workflow with `trouble` from beginning to end; what anybody could notice of it, and how many calls were refused.
pub async fn hidden_trouble(workflow: Workflow, trouble: Trouble) -> (Vec<String>, usize) {
    let mut refused = None;
    let calm = run(workflow, None, |play| play.world.aws.wire().set_trouble(None)).await;
    let troubled = run(workflow, None, |play| {
        play.world.aws.wire().set_trouble(Some(trouble));
        refused = Some(play.world.aws.wire().clone());
    });
    let troubled = troubled.await;
    let mut problems = troubled.broken;
    problems.extend(troubled.course.differs_from(&calm.course));
    (problems, refused.map_or(0, |wire| wire.refused()))
}

/// Which of the runs are made.
fn share() -> (usize, usize) {
    match std::env::var("COTEJO_SWEEP").ok().as_deref() {
        None | Some("") => (0, SHARE),
        Some("full") => (0, 1),
        Some(share) => {
            let parts = share.split_once('/').map(|(which, of)| (which.parse().ok(), of.parse().ok()));
            let Some((Some(which), Some(of))) = parts else { panic!("COTEJO_SWEEP is neither full nor such as 2/7") };
            (which, of)
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_call_fails_nothing_is_lost() {
    let (which, of) = share();
    let only = std::env::var("COTEJO_SWEEP_ONLY").unwrap_or_default();
    let workflows = WORKFLOWS.iter().chain(REGISTRY).filter(|workflow| workflow.name.contains(&only)).copied();
    let undisturbed: Vec<(Workflow, Outcome)> = stream::iter(workflows)
        .map(|workflow| tokio::spawn(async move { (workflow, run(workflow, None, |_| {}).await) }))
        .buffered(AT_ONCE)
        .map(Result::unwrap)
        .collect()
        .await;
    let (mut places, mut runs) = (0, Vec::new());
    for (workflow, outcome) in &undisturbed {
        assert_eq!(outcome.broken, Vec::<String>::new(), "{} undisturbed", workflow.name);
        let points = points::of(&outcome.calls, &outcome.shards);
        places += points::places(&points);
        runs.extend(points.into_iter().map(|point| (*workflow, point)));
    }
    let all = runs.len();
    let runs: Vec<_> = runs.into_iter().skip(which).step_by(of).collect();
    let made = runs.len();
    let outcomes: Vec<(Workflow, Point, Outcome)> = stream::iter(runs)
        .map(|(workflow, point)| {
            tokio::spawn(async move {
                let outcome = run(workflow, Some(&point), |_| {}).await;
                (workflow, point, outcome)
            })
        })
        .buffered(AT_ONCE)
        .map(Result::unwrap)
        .collect()
        .await;
    let missed = outcomes.iter().filter(|(_, _, outcome)| !outcome.disturbed).count();
    let mut broken = Vec::new();
    for (workflow, point, outcome) in &outcomes {
        let mut problems = outcome.broken.clone();
        if point.is_hidden() {
            let (_, as_it_goes) = undisturbed.iter().find(|(other, _)| other.name == workflow.name).unwrap();
            problems.extend(outcome.course.differs_from(&as_it_goes.course));
        }
        broken.extend(problems.into_iter().map(|problem| format!("{}, {point}: {problem}", workflow.name)));
    }
    let report = format!(
        "\nsweep: {} workflows, {places} crash points, {made} of {all} runs (share {which} of {of}; {missed} took another \
         way and never came to their point), {} invariants checked, {} broken\n",
        undisturbed.len(),
        (made + undisturbed.len()) * INVARIANTS.len(),
        broken.len(),
    );
    // Past the test runner, which keeps what a passing test prints to itself.
    std::io::stderr().write_all(report.as_bytes()).unwrap();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
