//! Exports and imports of many persons.

use std::{collections::BTreeSet, io::Write as _};

use cotejo::common::Scope;
use cotejo_tests::{Answer, Disturbance, When, World, Written};
use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::people::{juan, register, sample};

/// A file with a person a line.
fn file(lines: &[&str]) -> String {
    let mut file = "national_id,name,first_lastname,second_lastname,birthdate,gender,extra_data\n".to_owned();
    lines.iter().for_each(|line| file.push_str(&format!("{line}\n")));
    file
}

pub async fn import(world: &World, file: impl AsRef<[u8]>) -> Answer {
    world.customer.post_form("/people/import", &[("file", file)]).await
}

/// What a workbook is called.
pub const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// The same, of a file that is uploaded first.
pub async fn import_uploaded(world: &World, kind: &str, file: impl Into<bytes::Bytes>) -> Answer {
    let file = file.into();
    let place = world.customer.post("/uploads", &json!({"content_type": kind, "bytes": file.len()})).await;
    assert_eq!(place.status, 201, "{place:?}");
    assert_eq!(world.customer.upload(place.result(), file).await, 200);
    world.customer.post_form("/people/import", &[("tmp_file_id", place.id())]).await
}

/// Lets a job run to its end.
pub async fn finish(world: &World, asked: &Answer) -> Value {
    assert_eq!(asked.status, 202, "{asked:?}");
    let path = asked.headers["location"].to_str().unwrap().to_owned();
    world.local.pump().await;
    world.customer.get(&path).await.result().clone()
}

/// A job's file, line by line.
pub async fn lines(world: &World, job: &Value) -> Vec<String> {
    let (status, bytes) = world.customer.open(job["url"].as_str().unwrap()).await;
    assert_eq!(status, 200);
    String::from_utf8(bytes.to_vec()).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn good_rows_are_kept_and_the_others_are_named() {
    let world = World::new().await;
    let file = file(&[
        "PESJ880212HDFHLX01,Juan,Perez,Suares,1988-02-12,MALE,\"{\"\"n\"\":12345678901234567890.50}\"",
        "BOXW310820HNERXN08,Wei,Xu,Bo,,,",
        ",,,,,,",
        "boxw310820hnerxn09,Wei,Xu,Bo,31-08-20,male,[1]",
        "BOXW310820HNERXN09,Wei,Xu,,,,",
        "pesj880212hdfhlx01,Juana,Perez,Suares,,,",
    ]);
    let asked = import(&world, &file).await;
    insta::assert_json_snapshot!("import_asked", asked.result(), { ".id" => "[id]" });
    let job = finish(&world, &asked).await;
    insta::assert_json_snapshot!("import_done", job, { ".id" => "[id]", ".url" => "[url]" });
    let report = lines(&world, &job).await;
    let person = world.customer.get("/people/national-id/PESJ880212HDFHLX01").await.result().clone();
    // The later row about the same person came after the earlier one.
    assert_eq!((&person["name"], &person["gender"]), (&json!("Juana"), &json!("MALE")));
    let id = person["id"].as_str().unwrap();
    assert_eq!(
        report,
        [
            "row,outcome,person_id,field,message".to_owned(),
            format!("2,created,{id},,"),
            "3,failed,,national_id,is not a valid CURP: check digit".to_owned(),
            "5,failed,,birthdate,must be a date such as 2022-01-31".to_owned(),
            "5,failed,,extra_data,must be an object of up to 16 KiB".to_owned(),
            "5,failed,,gender,\"must be one of MALE, FEMALE\"".to_owned(),
            "6,failed,,second_lastname,is required".to_owned(),
            format!("7,updated,{id},,"),
        ]
    );
    world.catch_up();
    assert_eq!(world.customer.get("/people").await.result()["data"].as_array().unwrap().len(), 1);
    // Sent again: only what the later row undoes is done again.
    let again = finish(&world, &import(&world, &file).await).await;
    assert_eq!((&again["created"], &again["failed"]), (&json!(0), &json!(3)));
    world.catch_up();
    assert_eq!(world.customer.get("/people").await.result()["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_that_is_none_is_refused_at_once() {
    let world = World::new().await;
    for bad in ["", "name,first_lastname\nJuan,Perez\n", "national_id,nombre\nX,Juan\n"] {
        let refused = import(&world, bad).await;
        assert_eq!((refused.status, refused.fields()), (422, vec!["file"]), "{bad}");
    }
    let none =
        world.customer.post_form("/people/import", &[("tmp_file_id", "71266b80-f04b-4a2c-9314-963d3a182f2b")]).await;
    assert_eq!(none.fields(), ["tmp_file_id"]);
    assert_eq!(world.customer.post_form("/people/import", &[("file", "x"); 0]).await.fields(), ["file"]);
    // What can only be seen later ends the job with a reason.
    let job = finish(&world, &import(&world, b"national_id\n\xff\xfe\n").await).await;
    assert_eq!((&job["state"], &job["error"]), (&json!("failed"), &json!("The file is not CSV in UTF-8.")));
    let job = finish(&world, &import(&world, b"PK\x03\x04 and nothing else").await).await;
    assert_eq!(job["error"], "The file is not an XLSX workbook.");
}

/// A workbook with one sheet of these rows; numbers are numbers.
fn workbook(rows: &[&[&str]]) -> Vec<u8> {
    let mut sheet = String::from(
        r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>"#,
    );
    for (at, row) in rows.iter().enumerate() {
        sheet.push_str(&format!(r#"<row r="{}">"#, at + 1));
        for (column, cell) in row.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            let place = format!("{}{}", char::from(b'A' + u8::try_from(column).unwrap()), at + 1);
            sheet.push_str(&match cell.parse::<f64>() {
                Ok(_) => format!(r#"<c r="{place}"><v>{cell}</v></c>"#),
                Err(_) => format!(r#"<c r="{place}" t="inlineStr"><is><t>{cell}</t></is></c>"#),
            });
        }
        sheet.push_str("</row>");
    }
    sheet.push_str("</sheetData></worksheet>");
    let types = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>"#;
    let relations = |kind: &str, target: &str| {
        format!(
            r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{target}"/></Relationships>"#
        )
    };
    let book = r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Personas" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in [
        ("[Content_Types].xml", types.to_owned()),
        ("_rels/.rels", relations("officeDocument", "xl/workbook.xml")),
        ("xl/workbook.xml", book.to_owned()),
        ("xl/_rels/workbook.xml.rels", relations("worksheet", "worksheets/sheet1.xml")),
        ("xl/worksheets/sheet1.xml", sheet),
    ] {
        pack(&mut archive, name, [content]);
    }
    archive.finish().unwrap().into_inner()
}

type Archive = zip::ZipWriter<std::io::Cursor<Vec<u8>>>;

fn pack(archive: &mut Archive, name: &str, content: impl IntoIterator<Item = impl AsRef<[u8]>>) {
    archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    content.into_iter().for_each(|part| archive.write_all(part.as_ref()).unwrap());
}

/// A workbook with one file more.
fn workbook_with(name: &str, content: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Vec<u8> {
    let book = workbook(&[&["national_id", "name"], &["X", "Juan"]]);
    let mut archive = zip::ZipWriter::new_append(std::io::Cursor::new(book)).unwrap();
    pack(&mut archive, name, content);
    archive.finish().unwrap().into_inner()
}

#[tokio::test]
async fn a_workbook_that_would_fill_the_memory_ends_its_own_job_alone() {
    let world = World::new().await;
    let texts = |count: &str, texts: &str| format!(r#"<sst uniqueCount="{count}">{texts}</sst>"#);
    let megabyte = vec![b' '; 1 << 20];
    let blanks = |megabytes: usize| std::iter::repeat_n(megabyte.as_slice(), megabytes);
    for (book, fault) in [
        (workbook_with("xl/sharedStrings.xml", blanks(33)), "unpacks to more than can be read"),
        (workbook_with("xl/worksheets/sheet2.xml", blanks(129)), "unpacks to more than can be read"),
        (workbook(&[&["national_id", &"x".repeat(140_000)]]), "has a cell that is too long"),
    ] {
        let job = finish(&world, &import_uploaded(&world, WORKBOOK, book).await).await;
        assert_eq!((&job["state"], &job["error"]), (&json!("failed"), &json!(format!("The file {fault}."))));
    }
    // How many texts it says to have makes no room for any.
    for count in ["2".to_owned(), (u64::MAX / 32).to_string()] {
        let book = workbook_with("xl/sharedStrings.xml", [texts(&count, "<si><t>a</t></si><si/>")]);
        let job = finish(&world, &import_uploaded(&world, WORKBOOK, book).await).await;
        assert_eq!((&job["state"], &job["failed"]), (&json!("done"), &json!(1)), "{job}");
    }
}

#[tokio::test]
async fn a_workbook_is_imported_line_for_line_from_where_it_was_uploaded() {
    let world = World::new().await;
    let book = workbook(&[
        &[
            "national_id",
            "name",
            "first_lastname",
            "second_lastname",
            "external_ref_id",
            "nationality_id",
            "ignore_curp_validation",
        ],
        &["PESJ880212HDFHLX01", "Juan", "Perez", "Suares", "1234567890", "144"],
        &[],
        &["12345", "Wei", "Xu", "Bo", "", "", "true"],
        &["99", "Wei", "Xu", "Bo"],
    ]);
    let job = finish(&world, &import_uploaded(&world, WORKBOOK, book).await).await;
    assert_eq!((&job["rows"], &job["created"], &job["failed"]), (&json!(3), &json!(2), &json!(1)), "{job}");
    assert_eq!(job["failures"][0]["row"], 5);
    let person = world.customer.get("/people/external/1234567890").await.result().clone();
    assert_eq!((&person["name"], &person["nationality_id"]), (&json!("Juan"), &json!(144)));
    assert_eq!(world.customer.get("/people/national-id/12345").await.status, 200);
}

/// As many lines as wanted, each about another person.
fn many(count: usize) -> String {
    let mut file = "national_id;name;first_lastname;second_lastname;ignore_curp_validation\n".to_owned();
    (0..count).for_each(|number| file.push_str(&format!("P{number:06};Ana;Paz;Ruiz;true\n")));
    file
}

#[tokio::test]
async fn a_long_import_goes_on_where_it_was_stopped_and_nobody_is_made_twice() {
    let world = World::new().await;
    let asked = import(&world, many(1500)).await;
    let path = asked.headers["location"].to_str().unwrap().to_owned();
    // The step fails half way: some rows were taken up, none was counted.
    world.aws.wire().plan("TransactWriteItems", None, 300, Disturbance::Fail(When::Before));
    world.local.pump().await;
    let job = world.customer.get(&path).await.result().clone();
    assert_ne!(job["state"], "done");
    for _ in 0..3 {
        world.pass(SignedDuration::from_mins(17)).await;
    }
    let job = world.customer.get(&path).await.result().clone();
    assert_eq!((&job["state"], &job["rows"], &job["done"]), (&json!("done"), &json!(1500), &json!(1500)), "{job}");
    assert_eq!((&job["created"], &job["updated"], &job["unchanged"]), (&json!(1500), &json!(0), &json!(0)));
    let report = lines(&world, &job).await;
    assert_eq!(report.len(), 1501);
    assert!(report[1..].iter().all(|line| line.contains(",created,")));

    // All of them, newest first, in a file of several pieces.
    world.catch_up();
    let asked = world.customer.post("/people/export", &json!({"exclude": ["address", "contact"]})).await;
    let job = finish(&world, &asked).await;
    assert_eq!((&job["state"], &job["persons"]), (&json!("done"), &json!(1500)), "{job}");
    let persons: BTreeSet<_> =
        lines(&world, &job).await[1..].iter().map(|line| line.split(',').nth(1).unwrap().to_owned()).collect();
    assert_eq!(persons.len(), 1500);
}

#[tokio::test]
async fn an_export_has_the_persons_of_its_days_and_what_is_not_left_out() {
    let world = World::new().await;
    let person = register(&world, &juan()).await;
    let id = person["id"].as_str().unwrap();
    for list in ["addresses", "contacts"] {
        assert_eq!(world.customer.post(&format!("/{list}"), &sample(list, id)).await.status, 201);
    }
    world.clock.advance(SignedDuration::from_hours(24 * 40));
    let mut other = juan();
    other["national_id"] = json!("BOXW310820HNERXN09");
    other["extra_data"] = json!({"note": "a, b\nc"});
    other["biometrics"] = json!({"liveness": false, "branch": 3});
    let other = register(&world, &other).await;
    let result = json!({"person_id": other["id"], "type": "LIVENESS", "metadata": {"safe": true, "matchLevel": 0}});
    assert_eq!(world.customer.post("/biometric-results", &result).await.status, 201);

    world.catch_up();
    let export = async |given: Value| {
        let asked = world.customer.post("/people/export", &given).await;
        let job = finish(&world, &asked).await;
        assert_eq!(job["state"], "done", "{job}");
        let (_, bytes) = world.customer.open(job["url"].as_str().unwrap()).await;
        (job, String::from_utf8(bytes.to_vec()).unwrap())
    };
    let (job, all) = export(json!({})).await;
    insta::assert_json_snapshot!("export_done", job, { ".id" => "[id]", ".url" => "[url]" });
    insta::assert_snapshot!("export_file", all.replace(id, "[juan]").replace(other["id"].as_str().unwrap(), "[wei]"));
    let persons = |file: &str| {
        let known = [("juan", "PESJ880212HDFHLX01"), ("wei", "BOXW310820HNERXN09")];
        known.into_iter().filter(|(_, id)| file.contains(id)).map(|(name, _)| name).collect::<Vec<_>>()
    };
    for (given, expected) in [
        (json!({"start_date": "2026-11-02", "end_date": "2026-11-02"}), vec!["juan"]),
        (json!({"end_date": "2026-11-01"}), vec![]),
        (json!({"end_date": "2026-12-11"}), vec!["juan"]),
        (json!({"start_date": "2026-11-03"}), vec!["wei"]),
        (json!({"start_date": "2026-12-12", "end_date": "2027-01-01"}), vec!["wei"]),
        (json!({"start_date": "2026-12-13"}), vec![]),
        (json!({"start_date": "9999-12-31"}), vec![]),
        (json!({"end_date": "9999-12-31"}), vec!["juan", "wei"]),
    ] {
        assert_eq!(persons(&export(given.clone()).await.1), expected, "{given}");
    }
    let (_, without) = export(json!({"exclude": ["address"]})).await;
    let header = without.lines().next().unwrap();
    assert!(!header.contains("address_street") && header.contains("contact_email"));
    // What was exported can be imported, and says nothing new, whatever follows from results.
    let job = finish(&world, &import(&world, all).await).await;
    assert_eq!((&job["unchanged"], &job["failed"]), (&json!(2), &json!(0)), "{job}");

    let wrong = json!({"start_date": "2026-11-02", "end_date": "2026-11-01", "exclude": ["phone"], "more": 1});
    assert_eq!(world.customer.post("/people/export", &wrong).await.fields(), ["end_date", "exclude", "more"]);
}

#[tokio::test]
async fn who_may_change_persons_may_upload_rows_and_nothing_else() {
    let world = World::new().await;
    let keeper = world.holder("local", "keeper", &[Scope::PeopleWrite]).await;
    let verifier = world.holder("local", "verifier", &[Scope::ProcessesWrite]).await;
    let place = |kind: &str| json!({"content_type": kind, "bytes": 12_000_000});
    assert_eq!(keeper.post("/uploads", &place("text/csv")).await.status, 201);
    assert_eq!(keeper.post("/uploads", &place("image/jpeg")).await.error_code(), "forbidden");
    assert_eq!(verifier.post("/uploads", &place("text/csv")).await.error_code(), "forbidden");
    assert_eq!(verifier.post("/uploads", &place("image/jpeg")).await.fields(), ["bytes"]);
}

#[tokio::test]
async fn a_job_is_asked_for_once_and_is_its_tenant_s_own() {
    let world = World::new().await;
    let ask = async |body: Value| world.customer.post_once("/people/export", "monthly", &body).await;
    let (first, second) = (ask(json!({})).await, ask(json!({})).await);
    assert_eq!((first.id(), second.headers["idempotent-replayed"].as_bytes()), (second.id(), &b"true"[..]));
    assert_eq!(ask(json!({"exclude": ["address"]})).await.error_code(), "idempotency_key_reused");
    let job = finish(&world, &first).await;
    assert_eq!(lines(&world, &job).await.len(), 1);
    assert_eq!(world.customer.get(&format!("/people/imports/{}", first.id())).await.status, 404);
    assert_eq!(world.customer.get("/people/exports/nothing").await.status, 404);
    world.clock.advance(SignedDuration::from_hours(24 * 7));
    assert_eq!(world.customer.get(&format!("/people/exports/{}", first.id())).await.status, 404);
}

/// Asks for a job, and what is called until it has ended when nothing is wrong.
async fn steps(ask: impl AsyncFn(&World) -> Answer) -> Vec<String> {
    let world = World::new().await;
    ask(&world).await;
    world.aws.take_calls();
    world.local.pump().await;
    let mut calls = world.aws.take_calls();
    let end = calls.iter().rposition(|operation| operation == "PutItem").unwrap();
    calls.truncate(end + 1);
    calls
}

/// Each of `calls` on each side of its effect, if it has any: its operation, how many of that came before it, and the side.
fn sides(calls: &[String]) -> Vec<(String, usize, When)> {
    let side = |(at, operation): (usize, &String)| {
        let earlier = calls[..at].iter().filter(|other| *other == operation).count();
        let is_read = ["Get", "Query", "S3 GET"].iter().any(|read| operation.starts_with(read));
        let sides = if is_read { &[When::Before][..] } else { &[When::Before, When::After] };
        sides.iter().map(|when| (operation.clone(), earlier, *when)).collect::<Vec<_>>()
    };
    calls.iter().enumerate().flat_map(side).collect()
}

/// Runs the same job once for each of those calls and each side of its effect, if any, with that call failing, and checks how it
/// ends.
async fn whatever_fails(ask: impl AsyncFn(&World) -> Answer, check: impl AsyncFn(&World, &Value)) {
    let calls = steps(&ask).await;
    assert!(calls.len() > 5, "{calls:?}");
    for (operation, earlier, when) in sides(&calls) {
        let world = World::new().await;
        let asked = ask(&world).await;
        world.aws.wire().take_written();
        world.aws.wire().plan(&operation, None, earlier, Disturbance::Fail(when));
        world.local.pump().await;
        assert!(world.aws.is_calm(), "{operation} number {earlier} was not called");
        for _ in 0..3 {
            world.pass(SignedDuration::from_mins(17)).await;
        }
        let path = asked.headers["location"].to_str().unwrap();
        let job = world.customer.get(path).await.result().clone();
        assert_eq!(job["state"], "done", "{operation} number {earlier} fails {when:?}: {job}");
        check(&world, &job).await;
    }
}

/// Runs the same job once for each of those calls and each side of its effect, with its function killed there, and checks that it goes on
/// within two minutes and how it ends.
async fn wherever_it_is_killed(ask: impl AsyncFn(&World) -> Answer, check: impl AsyncFn(&World, &Value)) {
    let calls = steps(&ask).await;
    for (operation, earlier, when) in sides(&calls) {
        let world = World::new().await;
        let asked = ask(&world).await;
        world.aws.wire().take_written();
        world.aws.wire().plan(&operation, None, earlier, Disturbance::Crash(when));
        tokio::select! {
            _ = world.local.pump() => panic!("{operation} number {earlier} was not called"),
            () = world.aws.crashed() => {}
        }
        // The clock's own minute, twice.
        for _ in 0..2 {
            world.pass(SignedDuration::from_mins(1)).await;
        }
        let path = asked.headers["location"].to_str().unwrap();
        let job = world.customer.get(path).await.result().clone();
        assert_eq!(job["state"], "done", "{operation} number {earlier}, killed {when:?}: {job}");
        check(&world, &job).await;
    }
}

#[tokio::test]
async fn a_job_that_is_killed_anywhere_goes_on_within_two_minutes() {
    let rows =
        ["PESJ880212HDFHLX01,Juan,Perez,Suares,,,", "BAD,Wei,Xu,Bo,,,", "pesj880212hdfhlx01,Juana,Perez,Suares,,,"];
    wherever_it_is_killed(
        async |world: &World| import(world, file(&rows)).await,
        async |world: &World, job: &Value| {
            let counts = ["done", "created", "updated", "failed"].map(|count| job[count].as_u64().unwrap());
            assert_eq!(counts, [3, 1, 1, 1], "{job}");
            assert_eq!(lines(world, job).await.len(), 4);
        },
    )
    .await;
    wherever_it_is_killed(
        async |world: &World| {
            register(world, &juan()).await;
            world.local.pump().await;
            world.catch_up();
            world.customer.post("/people/export", &json!({"exclude": ["address", "contact"]})).await
        },
        async |world: &World, job: &Value| assert_eq!(lines(world, job).await.len(), 2, "{job}"),
    )
    .await;
}

#[tokio::test]
async fn a_step_whose_time_is_over_stops_and_the_next_one_takes_up_the_rest() {
    let world = World::new().await;
    let mut rows = "national_id,name,first_lastname,second_lastname,ignore_curp_validation\n".to_owned();
    (0..230).for_each(|number| rows.push_str(&format!("P{number},Ana,Paz,Ruiz,true\n")));
    let asked = import(&world, &rows).await;
    let path = asked.headers["location"].to_str().unwrap().to_owned();
    // The hundredth row takes so long that there is no time for more.
    let clock = std::sync::Arc::clone(&world.clock);
    let slow = Disturbance::Interleave(Box::new(move || {
        Box::pin(async move { clock.advance(SignedDuration::from_secs(18)) })
    }));
    world.aws.wire().plan("TransactWriteItems", None, 99, slow);
    world.aws.take_calls();
    world.local.pump().await;
    assert!(world.aws.is_calm());
    let job = world.customer.get(&path).await.result().clone();
    assert_eq!((&job["state"], &job["created"], &job["failed"]), (&json!("done"), &json!(230), &json!(0)), "{job}");
    let report = lines(&world, &job).await;
    let rows: Vec<u64> = report[1..].iter().map(|line| line.split(',').next().unwrap().parse().unwrap()).collect();
    assert_eq!(rows, (2..232).collect::<Vec<_>>());
    // Two pieces of rows, the report's head, and the whole.
    let pieces = world.aws.take_calls().iter().filter(|call| *call == "S3 PUT").count();
    assert_eq!(pieces, 4);
}

#[tokio::test]
async fn whatever_call_of_an_import_fails_each_row_is_taken_up_once() {
    let ask = async |world: &World| {
        let mut known = juan();
        known["national_id"] = json!("BOXW310820HNERXN09");
        register(world, &known).await;
        world.local.pump().await;
        let rows = [
            "PESJ880212HDFHLX01,Juan,Perez,Suares,,,",
            "BAD,Wei,Xu,Bo,,,",
            "pesj880212hdfhlx01,Juana,Perez,Suares,,,",
            // Somebody who was there before: as the file says, then otherwise, then as before.
            "BOXW310820HNERXN09,Juan,Perez,Suares,,,",
            "BOXW310820HNERXN09,Wei,Perez,Suares,,,",
            "BOXW310820HNERXN09,Juan,Perez,Suares,,,",
        ];
        import(world, file(&rows)).await
    };
    whatever_fails(ask, async |world: &World, job: &Value| {
        let counts = ["done", "created", "updated", "unchanged", "failed"].map(|count| job[count].as_u64().unwrap());
        assert_eq!(counts, [6, 1, 3, 1, 1], "{job}");
        world.catch_up();
        let persons = world.customer.get("/people").await.result()["data"].as_array().unwrap().clone();
        let names: BTreeSet<_> = persons.iter().map(|person| person["name"].as_str().unwrap()).collect();
        assert_eq!((persons.len(), names), (2, BTreeSet::from(["Juan", "Juana"])));
        let report = lines(world, job).await;
        let outcomes: Vec<_> = report[1..].iter().map(|line| line.split(',').nth(1).unwrap()).collect();
        assert_eq!(outcomes, ["created", "failed", "updated", "unchanged", "updated", "updated"], "{report:?}");
        // Each of the four changes is written once, and so told once, whatever was done again.
        let written = world.aws.wire().take_written();
        let events = written.iter().filter_map(|written| match written {
            Written::Item(item) => Some(item["outbox"]["M"].as_object()?.keys().cloned()),
            Written::HandedOn { .. } => None,
        });
        assert_eq!(events.flatten().collect::<BTreeSet<_>>().len(), 4, "{job}");
    })
    .await;
}

#[tokio::test]
async fn whatever_call_of_an_export_fails_its_file_is_whole() {
    let ask = async |world: &World| {
        let person = register(world, &juan()).await;
        let contact = sample("contacts", person["id"].as_str().unwrap());
        assert_eq!(world.customer.post("/contacts", &contact).await.status, 201);
        world.local.pump().await;
        world.catch_up();
        world.customer.post("/people/export", &json!({})).await
    };
    whatever_fails(ask, async |world: &World, job: &Value| {
        assert_eq!(job["persons"], 1, "{job}");
        let file = lines(world, job).await;
        assert_eq!((file.len(), file[1].matches("525591038054").count()), (2, 1), "{file:?}");
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_used_again_when_its_job_is_gone_asks_for_another() {
    let world = World::new().await;
    let ask = async || world.customer.post_once("/people/export", "weekly", &json!({})).await;
    let first = finish(&world, &ask().await).await;
    assert_eq!(lines(&world, &first).await.len(), 1);
    world.clock.advance(SignedDuration::from_hours(24 * 7));
    register(&world, &juan()).await;
    world.catch_up();
    // The table has not removed the first one yet.
    let asked = ask().await;
    assert!(!asked.headers.contains_key("idempotent-replayed"));
    let second = finish(&world, &asked).await;
    assert_eq!((&second["state"], &second["persons"]), (&json!("done"), &json!(1)));
    assert_eq!(lines(&world, &second).await.len(), 2);

    // Nor are an earlier import's rows taken for the present one's.
    let rows = file(&["PESJ880212HDFHLX01,Pedro,Perez,Suares,,,", "BOXW310820HNERXN09,Wei,Xu,Bo,,,"]);
    let ask = async || world.customer.post_form_once("/people/import", "weekly", &[("file", &rows)]).await;
    let first = finish(&world, &ask().await).await;
    assert_eq!((&first["created"], &first["updated"]), (&json!(1), &json!(1)), "{first}");
    world.clock.advance(SignedDuration::from_hours(24 * 7));
    let juan = world.customer.get("/people/national-id/PESJ880212HDFHLX01").await.id();
    assert_eq!(world.customer.put(&format!("/people/{juan}"), &json!({"name": "Juan"})).await.status, 200);
    let second = finish(&world, &ask().await).await;
    assert_eq!(
        (&second["created"], &second["updated"], &second["unchanged"]),
        (&json!(0), &json!(1), &json!(1)),
        "{second}"
    );
}

#[tokio::test]
async fn rows_that_name_one_group_do_not_stand_in_each_other_s_way() {
    let world = World::new().await;
    let group = world.customer.post("/people-groups", &json!({"name": "Plantilla", "description": "Todos"})).await.id();
    let mut rows =
        "national_id,name,first_lastname,second_lastname,ignore_curp_validation,people_group_id\r".to_owned();
    (0..40).for_each(|number| rows.push_str(&format!("P{number},Ana,Paz,Ruiz,true,{group}\r")));
    rows.push_str("P40,Ana,Paz,Ruiz,true,71266b80-f04b-4a2c-9314-963d3a182f2b\r");
    world.aws.take_calls();
    let job = finish(&world, &import(&world, &rows).await).await;
    assert_eq!((&job["created"], &job["failed"]), (&json!(40), &json!(1)), "{job}");
    assert_eq!(
        (&job["failures"][0]["row"], &job["failures"][0]["fields"][0]["field"]),
        (&json!(42), &json!("people_group_id"))
    );
    let calls = world.aws.take_calls();
    assert_eq!(calls.iter().filter(|call| *call == "TransactWriteItems").count(), 41, "{calls:?}");
    // Nor do requests, though each has to wait for its turn.
    let join = async |number: usize| {
        let mut person = juan();
        person["national_id"] = json!(format!("Q{number}"));
        person["ignore_curp_validation"] = json!(true);
        person["people_group_id"] = json!(group);
        world.customer.post("/people", &person).await.status
    };
    assert_eq!(join_all((0..4).map(join)).await, [201; 4]);
}

#[tokio::test]
async fn an_export_of_long_persons_ends() {
    let world = World::new().await;
    let (name, note) = ("Ana".repeat(160), "x".repeat(16_370));
    let mut rows = "national_id,name,first_lastname,second_lastname,ignore_curp_validation,extra_data\n".to_owned();
    (0..1000).for_each(|number| {
        rows.push_str(&format!("P{number},{name},Paz,Ruiz,true,\"{{\"\"note\"\":\"\"{note}\"\"}}\"\n"));
    });
    let job = finish(&world, &import_uploaded(&world, "text/csv", rows).await).await;
    assert_eq!(job["created"], 1000, "{job}");
    world.catch_up();
    let asked = world.customer.post("/people/export", &json!({"exclude": ["address", "contact"]})).await;
    let job = finish(&world, &asked).await;
    assert_eq!((&job["state"], &job["persons"]), (&json!("done"), &json!(1000)), "{job}");
    let file = lines(&world, &job).await;
    assert_eq!(file.len(), 1001);
    assert!(file.iter().map(String::len).sum::<usize>() > 16 << 20);
}
