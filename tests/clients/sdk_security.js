// Roles, profiles and users through the SDK: sdk_security.js http|websocket PORT; prints one object, a member per step.
'use strict';
const {connected, rejection, run, say} = require('./sdk');

const ids = result => result.hits.map(hit => hit._id);

async function people(kuzzle, seen) {
  const {security} = kuzzle;
  const role = await security.createRole('reader', {controllers: {document: {actions: {get: true}}}});
  seen.role = {id: role._id, controllers: role.controllers};
  seen.roleUpdated = (await security.updateRole('reader', {controllers: {document: {actions: {search: true}}}})).controllers;
  seen.roleRead = (await security.getRole('reader')).controllers;
  seen.roles = (await security.mGetRoles(['reader', 'default'])).map(found => found._id);
  seen.rolesFound = ids(await security.searchRoles({controllers: ['document']}));
  const profile = await security.createProfile('readers', {policies: [{roleId: 'reader', restrictedTo: [{index: 'library'}]}]});
  seen.profile = {id: profile._id, policies: profile.policies};
  seen.profileRoles = (await profile.getRoles()).map(found => found._id);
  seen.profileRights = await security.getProfileRights('readers');
  seen.profilesFound = ids(await security.searchProfiles({roles: ['reader']}));
  const credentials = {local: {username: 'ada', password: 'engine'}};
  const user = await security.createUser('ada', {content: {profileIds: ['readers'], born: 1815}, credentials});
  seen.user = {id: user._id, content: user.content};
  seen.restricted = (await security.createRestrictedUser({content: {born: 1906}}, 'grace')).content.profileIds;
  seen.updated = (await security.updateUser('ada', {name: 'Ada'})).content.name;
  seen.replaced = (await security.replaceUser('grace', {profileIds: ['readers'], name: 'Grace'})).content.name;
  seen.userProfiles = (await (await security.getUser('ada')).getProfiles()).map(found => found._id);
  seen.usersFound = ids(await security.searchUsers({query: {range: {born: {gte: 1800}}}}));
  seen.userRights = (await security.getUserRights('ada')).length;
  seen.mapping = (await security.getUserMapping()).mapping;
  await security.updateUserMapping({properties: {nickname: {type: 'keyword'}}});
  const pages = [];
  for (let page = await security.searchUsers({}, {scroll: '10s', size: 1}); page; page = await page.next()) {
    pages.push(ids(page));
  }
  seen.pages = pages;
}

async function closing(kuzzle, seen) {
  const {security} = kuzzle;
  const body = {content: {name: 'Root'}, credentials: {local: {username: 'root', password: 'secret'}}};
  seen.admin = (await security.createFirstAdmin('root', body, {reset: true})).content.profileIds;
  seen.denied = await rejection(security.getRole('reader'));
  seen.token = (await kuzzle.auth.login('local', {username: 'root', password: 'secret'})).split('.').length;
  seen.me = (await kuzzle.auth.getCurrentUser())._id;
  seen.myRights = await kuzzle.auth.getMyRights();
  seen.inUse = await rejection(security.deleteProfile('readers'));
  seen.usersDeleted = await security.mDeleteUsers(['ada', 'grace']);
  seen.profileDeleted = await security.deleteProfile('readers');
  seen.roleDeleted = await security.deleteRole('reader');
  seen.missing = await rejection(security.getUser('ada'));
  seen.protected = await rejection(security.deleteRole('admin'));
}

run(async () => {
  const [, , protocol, port] = process.argv;
  const kuzzle = await connected(protocol, port);
  const seen = {};
  await people(kuzzle, seen);
  await closing(kuzzle, seen);
  say(seen);
  kuzzle.disconnect();
});
